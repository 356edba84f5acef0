"""Meetings on a real database: made with the opening, added, moved, cancelled; told to whom it concerns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from chassis import clock
from chassis.db import Database
from chassis.errors import Conflict, Invalid, NotFound, Stale
from chassis.settings import Settings
from services.groups.usecases import history
from tests.support.databases import root_url
from tests.support.group_sessions import listed, session_step, wall
from tests.support.group_staff import COORDINATOR, STRANGER
from tests.support.groups import CENTRE, OTHER, new_group, opened

# twelve Mondays in Vilnius: 29 March 2027 is Easter Monday, and summer time begins on the day before
SCHEDULE = {"start_on": "2027-02-01", "local_start": "18:00", "tz": "Europe/Vilnius", "sessions": 12}
EASTER_MONDAY = dt.date(2027, 3, 29)


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


def test_the_opening_makes_the_series_without_the_holiday(db: Database, at: Settings) -> None:
    group = opened(db, schedule=SCHEDULE)
    found = listed(db, group)
    assert [each["no"] for each in found] == list(range(1, 13))
    days = [each["local_start"].date() for each in found]
    assert EASTER_MONDAY not in days
    assert days[-1] == dt.date(2027, 4, 26)
    assert [each["starts_at"].hour for each in found] == [16] * 8 + [15] * 4
    told = query(at, "SELECT audience, count(*) FROM outbox WHERE type = 'session.scheduled' GROUP BY 1")
    assert told == [("network", 12)]


def test_a_leader_may_keep_the_holiday_before_the_opening(db: Database) -> None:
    group = new_group(db, schedule=SCHEDULE)["id"]
    proposed = session_step(db, "proposal", group)
    assert [each["local_start"].date() for each in proposed if each["skipped"]] == [EASTER_MONDAY]
    kept = session_step(db, "make_series", group, {"keep": [EASTER_MONDAY]})
    assert EASTER_MONDAY in [each["local_start"].date() for each in kept]
    with pytest.raises(Conflict, match=r"session\.series_made"):
        session_step(db, "make_series", group, {"keep": []})


def test_without_a_schedule_there_is_no_proposal(db: Database) -> None:
    group = new_group(db, schedule=None)["id"]
    with pytest.raises(Conflict, match=r"group\.not_scheduled"):
        session_step(db, "proposal", group)


def test_a_meeting_is_moved_and_cancelled_once_and_told(db: Database, at: Settings) -> None:
    group = opened(db, schedule=SCHEDULE)
    when = {"local_start": wall("2027-02-09T19:00"), "minutes": 90}
    moved = session_step(db, "move", group, when, no=2, expected_version=1)[1]
    assert (moved["state"], moved["local_start"], moved["minutes"], moved["version"]) == (
        "moved",
        wall("2027-02-09T19:00"),
        90,
        2,
    )
    with pytest.raises(Stale) as stale:
        session_step(db, "move", group, when, no=2, expected_version=1)
    assert "at version 2 now, you read 1" in stale.value.detail
    assert session_step(db, "cancel", group, no=2, expected_version=2)[1]["state"] == "cancelled"
    with pytest.raises(Conflict, match=r"session\.not_possible"):
        session_step(db, "move", group, when, no=2, expected_version=3)
    told = query(at, "SELECT type, audience FROM outbox WHERE type ~ '^session.(moved|cancelled)' ORDER BY no")
    assert told == [("session.moved", "network"), ("session.cancelled", "network")]


def test_a_running_group_that_is_closed_tells_its_own_organisation_alone(db: Database, at: Settings) -> None:
    group = opened(db, schedule=SCHEDULE)
    query(at, f"UPDATE peer_group SET state = 'running' WHERE id = '{group}'")
    session_step(db, "cancel", group, no=3, expected_version=1)
    assert query(at, "SELECT audience FROM outbox WHERE type = 'session.cancelled'") == [(f"org:{CENTRE.org_id}",)]


def test_a_time_in_the_gap_moves_forward(db: Database) -> None:
    group = opened(db, schedule={**SCHEDULE, "sessions": 2})
    when = {"local_start": wall("2027-03-28T03:30"), "topic_key": None, "catches_up": 1}
    added = session_step(db, "add", group, when)[-1]
    assert (added["no"], added["local_start"], added["catches_up"]) == (3, wall("2027-03-28T04:30"), 1)
    assert added["starts_at"] == dt.datetime(2027, 3, 28, 1, 30, tzinfo=dt.UTC)


def test_what_cannot_be_planned_is_refused(db: Database) -> None:
    group = opened(db, schedule={**SCHEDULE, "sessions": 1})
    with pytest.raises(Invalid, match=r"session\.past"):
        session_step(db, "add", group, {"local_start": wall("2020-01-01T18:00"), "topic_key": None, "catches_up": None})
    unknown = {"local_start": wall("2027-06-01T18:00"), "topic_key": None, "catches_up": 9}
    with pytest.raises(Conflict, match=r"session\.unknown"):
        session_step(db, "add", group, unknown)
    with pytest.raises(NotFound):
        session_step(db, "cancel", group, no=9)
    for outsider in (STRANGER, OTHER):
        with pytest.raises(NotFound):
            listed(db, group, outsider)


def test_a_baseline_tells_a_meeting_as_it_stands(db: Database, at: Settings) -> None:
    group = opened(db, schedule=SCHEDULE)
    session_id = query(at, "SELECT id FROM session WHERE no = 1")[0][0]
    with db.background("test") as work:
        told = history.BASELINES["session"].state(work, session_id, "network")
        hidden = history.BASELINES["session"].state(work, session_id, f"org:{OTHER.org_id}")
        assert history.BASELINES["session"].state(work, clock.new_id(), "network") is None
    assert told == {"group_id": group, "session_no": 1, "local_date": dt.date(2027, 2, 1), "tz": "Europe/Vilnius"}
    assert hidden is None


def test_a_coordinator_plans_for_every_group(db: Database) -> None:
    group = opened(db, schedule=SCHEDULE)
    assert session_step(db, "cancel", group, by=COORDINATOR, no=1, expected_version=1)[0]["state"] == "cancelled"
