"""Seats of delegations, and groups that several organisations hold together, on a real database."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from chassis.db import Database
from chassis.errors import Conflict, Invalid, NotFound
from chassis.settings import Settings
from services.groups import usecases
from services.groups.usecases.history import BASELINES
from tests.support.databases import root_url
from tests.support.group_season import season_step
from tests.support.group_sessions import session_step
from tests.support.group_staff import COORDINATOR, step
from tests.support.groups import CENTRE, OTHER, call, opened, own, roster, sign_up

QUOTAS = [{"delegation": "finland", "seats": 2}, {"delegation": "sweden", "seats": 1}]


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("groups")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    with closing(Database(at, "groups")) as database:
        yield database


def query(at: Settings, text: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(root_url(at, "groups")) as connection:
        cursor = connection.execute(text.encode(), values)
        return cursor.fetchall() if cursor.description else []


def page(db: Database, group: uuid.UUID) -> dict[str, Any]:
    value: dict[str, Any] = usecases.read_group(db, call("GET", None, {}, path={"group_id": group})).value
    return value


def conference(db: Database, *, capacity: int = 4) -> uuid.UUID:
    return opened(db, kind="course", capacity=capacity, min_to_start=2, quotas=QUOTAS)


def come(db: Database, group: uuid.UUID, *delegations: str) -> list[dict[str, Any]]:
    return [sign_up(db, group, delegation=each) for each in delegations]


def test_a_delegation_holds_its_seats_and_waits_for_more(db: Database) -> None:
    group = conference(db)
    men = come(db, group, "finland", "sweden", "sweden", "finland", "finland")
    assert [man["state"] for man in men] == ["confirmed", "confirmed", "waiting", "offered", "waiting"]
    assert own(db, "status", men[2])["why"]["code"] == "quota_reached"
    assert page(db, group)["quotas"] == QUOTAS
    own(db, "withdraw", men[1])
    assert own(db, "status", men[2])["state"] == "offered"
    assert own(db, "status", men[4])["state"] == "waiting", "two of the Finns hold seats"


def test_a_free_seat_of_another_delegation_is_called_for_nobody(db: Database) -> None:
    group = conference(db)
    _, waits = come(db, group, "sweden", "sweden")
    with pytest.raises(Conflict, match=r"group\.quota_full"):
        step(db, "call_now", group, waits, COORDINATOR, {"reason": None})


@pytest.mark.parametrize("delegation", [None, "norway"])
def test_who_names_no_delegation_of_the_group_is_told_which_there_are(db: Database, delegation: str | None) -> None:
    with pytest.raises(Invalid, match=r"signup\.delegation"):
        sign_up(db, conference(db), delegation=delegation)
    with pytest.raises(Invalid, match=r"signup\.delegation"):
        sign_up(db, opened(db), delegation="finland")


@pytest.mark.parametrize(
    ("kind", "quotas", "code"),
    [
        ("peer", QUOTAS, "group.no_quotas"),
        ("course", [QUOTAS[0], QUOTAS[0]], "group.quota_twice"),
        ("course", [{"delegation": "finland", "seats": 9}], "group.quota_large"),
    ],
)
def test_quotas_that_cannot_be(db: Database, kind: str, quotas: list[dict[str, Any]], code: str) -> None:
    with pytest.raises(Invalid, match=code.replace(".", r"\.")):
        opened(db, kind=kind, capacity=8, quotas=quotas)


def test_more_seats_for_a_delegation_are_offered_at_once_and_fewer_than_held_refused(db: Database) -> None:
    group = conference(db)
    _, waits = come(db, group, "sweden", "sweden")

    def change(*seats: int) -> None:
        quotas = [{"delegation": name, "seats": each} for name, each in zip(("finland", "sweden"), seats, strict=False)]
        season_step(db, "change", group, {"quotas": quotas}, expected_version=page(db, group)["version"])

    change(2, 2)
    assert own(db, "status", waits)["state"] == "offered"
    with pytest.raises(Conflict, match=r"group\.seats_held"):
        change(2, 1)
    with pytest.raises(Conflict, match=r"group\.seats_held"):
        change(2)
    assert [each["seats"] for each in page(db, group)["quotas"]] == [2, 2]


def test_each_organisation_that_holds_a_group_hears_of_its_men_and_can_ask_again(db: Database, at: Settings) -> None:
    for each in (CENTRE, OTHER):
        query(
            at,
            "INSERT INTO partner (org_id, key, type, country, status, version)"
            " VALUES (%s, %s, 'ngo', 'LT', 'active', 1) ON CONFLICT DO NOTHING",
            each.org_id,
            each.org_key,
        )
    group = opened(db, co_organisers=[OTHER.org_key, CENTRE.org_key])
    assert [each["key"] for each in page(db, group)["co_organisers"]] == [OTHER.org_key]
    man = sign_up(db, group)
    own(db, "withdraw", man)
    told = query(
        at,
        "SELECT audience, sequence, type FROM outbox WHERE aggregate_id = %s ORDER BY audience, no",
        man["signup_id"],
    )
    verbs = ["signup.received", "signup.seated", "signup.withdrawn"]
    assert sorted(told) == sorted(
        (f"org:{each.org_id}", no, verb) for each in (CENTRE, OTHER) for no, verb in enumerate(verbs, 1)
    )
    query(at, "UPDATE peer_group SET state = 'running'")
    session_step(db, "cancel", group, no=1, expected_version=1)
    heard = query(at, "SELECT audience FROM outbox WHERE type = 'session.cancelled' ORDER BY audience")
    assert [row[0] for row in heard] == sorted(f"org:{each.org_id}" for each in (CENTRE, OTHER))
    ((session,),) = query(at, "SELECT id FROM session WHERE no = 1")
    stranger = uuid.uuid4()
    with db.background("test") as work:
        for noun, wanted in (("signup", man["signup_id"]), ("session", session)):
            state = BASELINES[noun].state
            both = [state(work, wanted, f"org:{org}") for org in (CENTRE.org_id, OTHER.org_id)]
            assert both[0] == both[1]
            assert both[0] is not None
            assert state(work, wanted, f"org:{stranger}") is None
    with pytest.raises(NotFound):
        roster(db, group, OTHER)  # leaders of another organisation are guest members of the one that owns the group


def test_an_organisation_that_nobody_knows_holds_no_group(db: Database) -> None:
    with pytest.raises(Invalid, match=r"organisation\.unknown"):
        opened(db, co_organisers=["nobody-at-all"])
