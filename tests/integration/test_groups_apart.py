"""Two who must not meet, on a real database: linked, refused, kept out of every group, and walled off besides."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from chassis.db import Database
from chassis.errors import Conflict, Invalid, NotFound
from chassis.identity import Caller
from chassis.settings import Settings
from services.groups.rules import apart as rules
from services.groups.usecases import apart
from tests.support.databases import root_url
from tests.support.group_season import season_step, transferred
from tests.support.group_staff import COORDINATOR, INTAKE, LEADER, programme, step
from tests.support.groups import OTHER, call, opened, own, sign_up

ONE, TWO = {"name": "Demo Pirmas", "birth_year": 1985}, {"name": "Demo Antras", "birth_year": 1979}


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("groups")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "groups")
    yield database
    database.close()


def query(at: Settings, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(root_url(at, "groups")) as connection:
        cursor = connection.execute(text.encode())
        return cursor.fetchall() if cursor.description else []


def link(
    db: Database, group: uuid.UUID, man: dict[str, Any], person: dict[str, Any], by: Caller = INTAKE, **parts: Any
) -> dict[str, Any]:
    path = {"group_id": group, "signup_id": man["signup_id"]}
    asked = call("link", by, person, path=path, operation="signup.link_person", **parts)
    value: dict[str, Any] = apart.link_person(db, asked).value
    return value


def pair(db: Database, man: dict[str, Any], by: Caller = INTAKE, **other: Any) -> dict[str, Any]:
    body = {"signup_id": man["signup_id"], "other_signup_id": None, "other": None, "reason": "relatives", **other}
    value: dict[str, Any] = apart.keep_apart(db, call("pair", by, body, operation="apart.add")).value
    return value


def test_the_same_person_is_known_again_however_he_is_written() -> None:
    plain = rules.normalised("Demo Pavyždys", 1985)
    assert plain == rules.normalised("  pavyzdys,  DEMO ", 1985)
    assert plain != rules.normalised("Demo Pavyždys", 1986)


def test_whoever_is_kept_apart_is_refused_without_the_cause(db: Database, at: Settings) -> None:
    group = opened(db)
    first, second = sign_up(db, group), sign_up(db, group)
    link(db, group, first, ONE)
    made = pair(db, first, other=TWO)
    assert made["signup_ids"] == [first["signup_id"]]
    with pytest.raises(Conflict) as refused:
        link(db, group, second, TWO)
    assert refused.value.code == "signup.group_not_possible"
    assert "Pirmas" not in refused.value.detail
    assert query(at, "SELECT count(*) FROM sign_up WHERE person_mac IS NOT NULL") == [(1,)]
    dump = str(query(at, "SELECT s::text FROM sign_up AS s")) + str(query(at, "SELECT k::text FROM keep_apart AS k"))
    assert "Demo" not in dump
    assert "1985" not in dump


def test_when_one_leaves_the_other_may_come(db: Database) -> None:
    group = opened(db)
    first, second = sign_up(db, group), sign_up(db, group)
    link(db, group, first, ONE)
    pair(db, first, other=TWO)
    step(db, "withdraw", group, first, LEADER)
    assert link(db, group, second, TWO)["state"] == "confirmed"


def test_both_in_one_group_already_is_said_to_whoever_pairs_them(db: Database) -> None:
    group = opened(db)
    first, second = sign_up(db, group), sign_up(db, group)
    link(db, group, first, ONE)
    link(db, group, second, TWO)
    with pytest.raises(Conflict, match=r"apart\.together"):
        pair(db, first, other_signup_id=second["signup_id"])
    step(db, "withdraw", group, second, LEADER)
    pair(db, first, other=TWO)
    with pytest.raises(Conflict, match=r"apart\.known"):
        pair(db, first, other=TWO)
    with pytest.raises(Conflict, match=r"apart\.same"):
        pair(db, first, other=ONE)


def test_what_cannot_be_paired(db: Database) -> None:
    group = opened(db)
    man = sign_up(db, group)
    with pytest.raises(Invalid, match=r"apart\.other"):
        pair(db, man)
    with pytest.raises(Invalid, match=r"apart\.not_linked"):
        pair(db, man, other=TWO)
    link(db, group, man, ONE)
    with pytest.raises(Invalid, match=r"apart\.not_linked"):
        pair(db, man, by=OTHER, other=TWO)
    with pytest.raises(NotFound):
        link(db, group, man, ONE, by=LEADER)


def test_one_person_has_one_live_sign_up_in_a_programme(db: Database) -> None:
    key = programme(db, intake="none")["key"]
    one, two = (opened(db, kind="guided", programme=key) for _ in range(2))
    first, again = sign_up(db, one), sign_up(db, two)
    link(db, one, first, ONE)
    with pytest.raises(Conflict, match=r"signup\.same_person"):
        link(db, two, again, ONE)
    own(db, "withdraw", first)
    link(db, two, again, ONE)


def test_nobody_goes_over_to_whom_he_is_kept_apart_from(db: Database) -> None:
    key = programme(db, intake="none")["key"]
    one, two = (opened(db, kind="guided", programme=key, capacity=2) for _ in range(2))
    there = sign_up(db, two)
    for group in (one, one, two):
        sign_up(db, group)
    waits, other = sign_up(db, one), sign_up(db, one)
    link(db, one, waits, ONE)
    link(db, two, there, TWO)
    pair(db, waits, other=TWO)
    with pytest.raises(Conflict, match=r"signup\.group_not_possible"):
        transferred(db, one, waits, two)
    season_step(db, "merge", one, {"group_id": two})
    assert own(db, "status", waits)["group_id"] == one
    assert own(db, "status", other)["group_id"] == two


def test_a_linked_man_takes_his_place_behind_the_wall_along(db: Database, at: Settings) -> None:
    key = programme(db, intake="none")["key"]
    one, two = (opened(db, kind="guided", programme=key, capacity=2) for _ in range(2))
    men = [sign_up(db, one) for _ in range(3)]
    link(db, one, men[2], ONE)
    made = pair(db, men[2], other=TWO)
    transferred(db, one, men[2], two)
    assert query(at, "SELECT group_id, pair_id FROM apart_seat") == [(two, made["id"])]
    late = sign_up(db, two)
    with pytest.raises(Conflict, match=r"signup\.group_not_possible"):
        link(db, two, late, TWO)
    apart.end(db, call("end", COORDINATOR, path={"pair_id": made["id"]}, operation="apart.end"))
    assert apart.listed(db, call("list", COORDINATOR, operation="apart.list")).value["items"] == []
    link(db, two, late, TWO)
    with pytest.raises(NotFound):
        apart.end(db, call("end", COORDINATOR, path={"pair_id": made["id"]}, operation="apart.end"))


def test_the_wall_holds_although_the_rule_looks_away(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    group = opened(db)
    first, second = sign_up(db, group), sign_up(db, group)
    link(db, group, first, ONE)
    pair(db, first, other=TWO)
    monkeypatch.setattr("services.groups.store.apart.blocked", lambda *_: False)
    with pytest.raises(psycopg.errors.UniqueViolation):
        link(db, group, second, TWO)


def test_a_pair_that_is_written_while_the_other_is_linked_is_not_missed(db: Database, at: Settings) -> None:
    """Twenty times both at once: either the link is refused or the pair is."""
    for turn in range(20):
        one, two = ({"name": f"Demo {turn} {each}", "birth_year": 1980} for each in ("A", "B"))
        group = opened(db)
        first, second = sign_up(db, group), sign_up(db, group)
        link(db, group, first, one)
        gate, refused = threading.Barrier(2), list[str]()

        def go(act: Callable[[], object], gate: threading.Barrier = gate, refused: list[str] = refused) -> None:
            gate.wait()
            try:
                act()
            except Conflict as conflict:
                refused.append(conflict.code)

        acts = (
            lambda group=group, second=second, two=two: link(db, group, second, two),
            lambda first=first, two=two: pair(db, first, other=two),
        )
        threads = [threading.Thread(target=go, args=(act,)) for act in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(refused) == 1, refused
    together = """
        SELECT count(*) FROM keep_apart AS k JOIN sign_up AS a ON a.person_mac = k.low_mac
          JOIN sign_up AS b ON b.person_mac = k.high_mac AND b.group_id = a.group_id
    """
    assert query(at, together) == [(0,)]
