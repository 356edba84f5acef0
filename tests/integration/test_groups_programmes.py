"""Programmes on a real database: ages, licences, changes and what the network hears; the partner step; next seasons."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from chassis.db import Database
from chassis.errors import Conflict, Invalid, NotFound, Stale
from chassis.identity import Caller
from chassis.settings import Settings
from services.groups import schemas, usecases
from services.groups.schemas.season import Duplicating
from services.groups.usecases import apart, partner_steps, programmes, season
from tests.support.databases import root_url
from tests.support.group_season import season_step
from tests.support.group_staff import COORDINATOR, INTAKE, LEADER, programme, step
from tests.support.groups import CENTRE, OTHER, call, opened, own, roster, sign_up

SAFETY = replace(CENTRE, subject="member:safety", roles=frozenset({"partner_safety"}))


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("groups")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    with closing(Database(at, "groups")) as database:
        yield database


def query(at: Settings, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(root_url(at, "groups")) as connection:
        cursor = connection.execute(text.encode())
        return cursor.fetchall() if cursor.description else []


def knows_both(at: Settings) -> None:
    """The local copy of the directory has both organisations."""
    for each in (CENTRE, OTHER):
        query(
            at,
            "INSERT INTO partner (org_id, key, type, country, status, version)"
            f" VALUES ('{each.org_id}', '{each.org_key}', 'ngo', 'LT', 'active', 1) ON CONFLICT DO NOTHING",
        )


def change(db: Database, made: dict[str, Any], by: Caller = CENTRE, **changes: Any) -> dict[str, Any]:
    body = schemas.ProgrammeChange().load(changes)
    asked = call("change", by, body, path={"programme_id": made["id"]}, expected_version=made["version"])
    value: dict[str, Any] = programmes.change(db, asked).value
    return value


@pytest.mark.parametrize(
    ("ages", "age", "fine"),
    [
        ({"min_age": 18}, 18, True), ({"min_age": 18}, 17, False), ({"min_age": 18}, None, False),
        ({"max_age": 29}, 29, True), ({"max_age": 29}, 30, False), ({"min_age": 18, "max_age": 29}, 40, False),
        ({}, None, True), ({}, 3, True),
    ],
)  # fmt: skip
def test_ages_are_compared_and_not_kept(
    db: Database, at: Settings, *, ages: dict[str, int], age: int | None, fine: bool
) -> None:
    group = opened(db, kind="guided", programme=programme(db, intake="none", **ages)["key"])
    if fine:
        assert sign_up(db, group, age=age)["state"] == "confirmed"
    else:
        with pytest.raises(Invalid, match=r"signup\.age") as refused:
            sign_up(db, group, age=age)
        assert refused.value.fields[0].pointer == "/age"
    columns = query(at, "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public'")
    assert ("age",) not in columns


def test_nobody_is_between_ages_the_wrong_way_round(db: Database) -> None:
    with pytest.raises(Invalid, match=r"programme\.ages"):
        programme(db, min_age=30, max_age=20)
    made = programme(db, min_age=30)
    with pytest.raises(Invalid, match=r"programme\.ages"):
        change(db, made, max_age=20)


def test_a_change_names_the_version_that_was_read_and_is_told(db: Database, at: Settings) -> None:
    made = programme(db, min_age=18)
    changed = change(db, made, min_age=None, consents=[{"code": "taking-part", "version": "2"}], funder="region")
    assert (changed["min_age"], changed["funder"], changed["version"]) == (None, "region", 2)
    assert changed["consents"] == [{"code": "taking-part", "version": "2"}]
    assert changed["retention_days"] == made["retention_days"], "what is not named stays"
    with pytest.raises(Stale):
        change(db, made, min_age=20)
    with pytest.raises(NotFound):
        change(db, changed, OTHER, min_age=20)
    told = query(at, "SELECT data->>'version', audience FROM outbox WHERE type = 'programme.published' ORDER BY no")
    assert told == [("1", "network"), ("2", "network")]
    ((data,),) = query(at, "SELECT data FROM outbox WHERE type = 'programme.published' ORDER BY no DESC LIMIT 1")
    assert set(data) == {
        "programme_id", "organisation_id", "programme_key", "kind", "mandated", "intake", "partner_step", "version",
    }  # fmt: skip


def test_a_licensed_organisation_runs_a_programme_as_it_is(db: Database, at: Settings) -> None:
    knows_both(at)
    made = programme(db, intake="required", min_age=18, licensed_orgs=[OTHER.org_key])
    body = {"kind": "peer", "names": {"lt": "Programa"}, "licence_of": str(made["id"]), "intake": "none"}
    loaded = schemas.NewProgramme().load(body)
    theirs = programmes.create(db, call("POST /programmes", OTHER, loaded)).value
    assert (theirs["kind"], theirs["intake"], theirs["min_age"]) == ("guided", "required", 18)
    assert theirs["licence_of"] == made["id"]
    with pytest.raises(Invalid, match=r"programme\.licensed"):
        change(db, theirs, OTHER, retention_days=3000)
    with pytest.raises(Invalid, match=r"programme\.licensed"):
        change(db, theirs, OTHER, licensed_orgs=[CENTRE.org_key])
    handed_on = schemas.NewProgramme().load({**body, "licensed_orgs": [CENTRE.org_key]})
    with pytest.raises(Invalid, match=r"programme\.licensed"):
        programmes.create(db, call("POST /programmes", OTHER, handed_on))
    assert change(db, theirs, OTHER, funder="region")["funder"] == "region"
    group = opened(db, OTHER, kind="guided", programme=theirs["key"])
    assert sign_up(db, group, age=20)["state"] == "intake"
    change(db, made, licensed_orgs=[])
    with pytest.raises(Conflict, match=r"programme\.licence_ended"):
        opened(db, OTHER, kind="guided", programme=theirs["key"])


def test_without_a_licence_nobody_learns_that_there_is_such_a_programme(db: Database, at: Settings) -> None:
    knows_both(at)
    made = programme(db)
    for licence in (made["id"], CENTRE.org_id):
        body = schemas.NewProgramme().load({"kind": "peer", "names": {"lt": "P"}, "licence_of": str(licence)})
        with pytest.raises(Invalid, match=r"programme\.no_licence"):
            programmes.create(db, call("POST /programmes", OTHER, body))
    with pytest.raises(Invalid, match=r"organisation\.unknown"):
        change(db, made, licensed_orgs=["nobody-at-all"])


def test_several_seats_are_allowed_for_good(db: Database) -> None:
    made = programme(db, several_seats=True)
    with pytest.raises(Invalid, match=r"programme\.several_seats"):
        change(db, made, several_seats=False)
    for _ in range(2):
        group = opened(db, kind="guided", programme=made["key"])
        path = {"group_id": group, "signup_id": sign_up(db, group)["signup_id"]}
        person = {"name": "Demo Pirmas", "birth_year": 1985}
        apart.link_person(db, call("link", INTAKE, person, path=path, operation="signup.link_person"))


def test_the_partner_step_is_one_word_that_partner_safety_sets(db: Database) -> None:
    key = programme(db, kind="behaviour_change")["key"]
    group = opened(db, kind="behaviour_change", programme=key)
    man = sign_up(db, group)
    assert step(db, "read", group, man, LEADER)["partner_step"] == "open"

    def put(by: Caller, *, done: bool, man: dict[str, Any] = man, group: Any = group) -> Any:
        path = {"group_id": group, "signup_id": man["signup_id"]}
        asked = call("step", by, {"done": done}, operation="signup.partner_step", path=path)
        return partner_steps.set_step(db, asked).value

    assert put(SAFETY, done=True)["partner_step"] == "done"
    assert [line["partner_step"] for line in roster(db, group)] == ["done"]
    assert put(SAFETY, done=False)["partner_step"] == "open"
    for by in (LEADER, COORDINATOR, INTAKE):
        with pytest.raises(NotFound):
            put(by, done=True)
    plain = opened(db)
    with pytest.raises(Conflict, match=r"signup\.no_partner_step"):
        put(SAFETY, done=True, man=sign_up(db, plain), group=plain)
    assert [line["partner_step"] for line in roster(db, plain)] == [None]


def test_the_next_season_is_a_draft_with_the_leaders_and_takes_the_queue_over(db: Database, at: Settings) -> None:
    group = opened(db, capacity=2, min_to_start=2, schedule={
        "start_on": "2027-03-22", "local_start": "18:00", "tz": "Europe/Vilnius", "sessions": 2,
    })  # fmt: skip
    first, second, waiting = (sign_up(db, group) for _ in range(3))
    body = Duplicating().load({"start_on": "2027-09-06"})
    asked = call("dup", LEADER, body, operation="group.duplicate", path={"group_id": group}, idempotency_key="k")
    draft = season.duplicate(db, asked).value
    assert season.duplicate(db, asked).value["id"] == draft["id"]
    assert (draft["state"], draft["held"], draft["waiting"]) == ("draft", 0, 0)
    assert draft["schedule"]["start_on"].isoformat() == "2027-09-06"
    assert len(draft["leaders"]) == 2
    assert query(at, f"SELECT successor_id FROM peer_group WHERE id = '{group}'") == [(draft["id"],)]
    query(at, f"UPDATE session SET state = 'cancelled' WHERE group_id = '{group}'")
    version = usecases.read_group(db, call("GET", CENTRE, {}, path={"group_id": group})).value["version"]
    season_step(db, "cancel", group, {"reason": "too_few"}, expected_version=version)
    now = own(db, "status", waiting)
    assert (now["group_id"], now["state"]) == (draft["id"], "waiting")
    assert [own(db, "status", man)["state"] for man in (first, second)] == ["closed", "closed"]
