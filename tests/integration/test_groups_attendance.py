"""The evening on a real database: one form for all, apologies, closing, corrections, absences told, completing."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from chassis.db import Database
from chassis.errors import Conflict, Invalid, NotFound, Stale
from chassis.settings import Settings
from services.groups.usecases import attendance
from tests.support.databases import root_url
from tests.support.group_sessions import attendance_step, entered, listed, session_step, wall
from tests.support.group_staff import COORDINATOR, INTAKE, LEADER, STRANGER, step
from tests.support.groups import OTHER, opened, own, sign_up

SCHEDULE = {"start_on": "2027-02-01", "local_start": "18:00", "tz": "Europe/Vilnius", "sessions": 4}


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


def began(at: Settings, no: int, minutes: int = 0) -> None:
    """A meeting began so many minutes ago, whatever its wall says."""
    query(at, f"UPDATE session SET starts_at = now() - interval '{minutes} minutes' WHERE no = {no}")


def evening(db: Database, at: Settings, group: uuid.UUID, no: int, codes: dict[str, str]) -> dict[str, Any]:
    """A meeting that was held and closed."""
    began(at, no, 121)
    held = attendance_step(db, "enter", group, no, entered(codes))
    return attendance_step(db, "close", group, no, expected_version=held["version"])


def told(at: Settings, kind: str) -> list[Any]:
    return [row[0] for row in query(at, f"SELECT data FROM outbox WHERE type = '{kind}' ORDER BY no")]


def test_the_whole_evening_is_one_form(db: Database, at: Settings) -> None:
    group = opened(db, schedule=SCHEDULE)
    came, late, missed = (sign_up(db, group) for _ in range(3))
    with pytest.raises(Conflict, match=r"attendance\.too_early"):
        attendance_step(db, "enter", group, 1, entered({came["signup_id"]: "present"}))
    began(at, 1)
    codes = {came["signup_id"]: "present", late["signup_id"]: "late", missed["signup_id"]: "absent"}
    sheet = attendance_step(db, "enter", group, 1, entered(codes), expected_version=1)
    assert (sheet["state"], sheet["version"]) == ("held", 2)
    assert [(line["code"], line["state"]) for line in sheet["lines"]] == [
        ("present", "active"), ("late", "active"), ("absent", "confirmed"),
    ]  # fmt: skip
    assert own(db, "status", came)["state"] == "active"
    assert [row[0] for row in query(at, "SELECT audience FROM outbox WHERE type = 'session.held'")] == [
        f"org:{LEADER.org_id}"
    ]
    with pytest.raises(Stale) as stale:
        attendance_step(db, "enter", group, 1, entered(codes), expected_version=1)
    assert "at version 2 now, you read 1" in stale.value.detail


def test_a_form_with_one_fault_is_refused_as_a_whole(db: Database, at: Settings) -> None:
    group, other = opened(db, schedule=SCHEDULE), opened(db, schedule=SCHEDULE)
    man, stranger = sign_up(db, group), sign_up(db, other)
    began(at, 1)
    with pytest.raises(Invalid, match=r"attendance\.not_listed") as refused:
        attendance_step(db, "enter", group, 1, entered({man["signup_id"]: "present", stranger["signup_id"]: "present"}))
    assert refused.value.fields[0].pointer == "/entries/1/signup_id"
    twice = entered({man["signup_id"]: "present"})
    twice["entries"] *= 2
    with pytest.raises(Invalid, match=r"attendance\.twice"):
        attendance_step(db, "enter", group, 1, twice)
    assert query(at, "SELECT count(*) FROM attendance") == [(0,)]


def test_two_leaders_who_save_at_once_lose_nothing(db: Database, at: Settings) -> None:
    group = opened(db, schedule=SCHEDULE)
    one, two = sign_up(db, group), sign_up(db, group)
    began(at, 1)
    gate, outcomes = threading.Barrier(2), []

    def save(man: dict[str, Any]) -> None:
        gate.wait()
        try:
            form = entered({man["signup_id"]: "present"})
            outcomes.append(attendance_step(db, "enter", group, 1, form, expected_version=1)["version"])
        except Stale as stale:
            outcomes.append(stale.code)

    threads = [threading.Thread(target=save, args=(man,)) for man in (one, two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=str) == [2, "session.stale"]
    assert query(at, "SELECT count(*) FROM attendance") == [(1,)]


def test_an_apology_stands_on_the_list_before_the_evening(db: Database, at: Settings) -> None:
    group = opened(db, schedule=SCHEDULE)
    man = sign_up(db, group)
    step(db, "apologise", group, man, LEADER, {"session_no": 1})
    line = attendance_step(db, "sheet", group, 1)["lines"][0]
    assert (line["code"], line["apology"]) == ("excused", True)
    began(at, 2)
    with pytest.raises(Conflict, match=r"attendance\.too_late"):
        step(db, "apologise", group, man, LEADER, {"session_no": 2})
    with pytest.raises(NotFound):
        step(db, "apologise", group, man, LEADER, {"session_no": 99})


def test_closing_says_what_nobody_recorded_and_a_correction_says_why(db: Database, at: Settings) -> None:
    group = opened(db, schedule=SCHEDULE)
    came, forgotten = sign_up(db, group), sign_up(db, group)
    sheet = evening(db, at, group, 1, {came["signup_id"]: "present"})
    assert [line["code"] for line in sheet["lines"]] == ["present", "not_recorded"]
    with pytest.raises(Invalid, match=r"attendance\.reason"):
        attendance_step(db, "enter", group, 1, entered({forgotten["signup_id"]: "present"}))
    with pytest.raises(Conflict, match=r"session\.not_possible"):
        attendance_step(db, "close", group, 1)
    corrected = entered({forgotten["signup_id"]: "present"}, reason="late_information")
    assert attendance_step(db, "enter", group, 1, corrected)["state"] == "closed"
    closed, changed = told(at, "attendance.closed"), told(at, "attendance.corrected")
    assert len(closed) == len(changed) == 1
    assert own(db, "status", forgotten)["state"] == "active"
    for text in (*closed, *changed):  # who is concerned, never how
        assert set(text) == {"group_id", "session_no", "signup_ids"}


def test_what_nobody_closes_closes_by_itself(db: Database, at: Settings) -> None:
    group = opened(db, schedule=SCHEDULE)
    sign_up(db, group)
    began(at, 1, 120 + 48 * 60 - 5)
    assert attendance.sweep(db) == 0
    began(at, 1, 120 + 48 * 60 + 5)
    assert attendance.sweep(db) == 1
    assert [each["state"] for each in listed(db, group)] == ["closed", "planned", "planned", "planned"]
    assert attendance.sweep(db) == 0


def test_absences_that_are_too_many_are_told_once_and_only_when_settled(db: Database, at: Settings) -> None:
    group = opened(db, schedule=SCHEDULE)
    man = sign_up(db, group)
    evening(db, at, group, 1, {man["signup_id"]: "absent"})
    began(at, 2, 121)
    attendance_step(db, "enter", group, 2, entered({man["signup_id"]: "absent"}))
    assert told(at, "attendance.threshold_reached") == []
    attendance_step(db, "close", group, 2)
    assert len(told(at, "attendance.threshold_reached")) == 1
    evening(db, at, group, 3, {man["signup_id"]: "absent"})
    assert len(told(at, "attendance.threshold_reached")) == 1


def test_completing_is_a_decision_with_the_rule_beside_it(db: Database, at: Settings) -> None:
    group = opened(db, schedule=SCHEDULE)
    man, idle = sign_up(db, group), sign_up(db, group)
    with pytest.raises(Conflict, match=r"signup\.not_possible"):
        step(db, "complete", group, man, LEADER, {"decided_on": None})
    for no, code in enumerate(("present", "absent", "late", "excused"), 1):
        evening(db, at, group, no, {man["signup_id"]: code, idle["signup_id"]: "excused"})
    shown = step(db, "read", group, man, LEADER)["attendance"]
    assert (shown["held"], shown["attended_share"], shown["commitment_share"], shown["rule_met"]) == (4, 50, 75, False)
    with pytest.raises(NotFound):
        step(db, "complete", group, man, INTAKE, {"decided_on": None})
    done = step(db, "complete", group, man, COORDINATOR, {"decided_on": dt.date(2027, 2, 25)})
    assert done["state"] == "completed"
    kept = query(at, "SELECT decided_on, rule_met, held, attended, excused, absent, by_subject FROM completion")
    assert kept == [(dt.date(2027, 2, 25), False, 4, 2, 1, 1, COORDINATOR.subject)]
    with pytest.raises(Conflict, match=r"signup\.not_possible"):
        step(db, "complete", group, idle, LEADER, {"decided_on": None})


def test_a_made_up_meeting_counts_for_the_missed_one(db: Database, at: Settings) -> None:
    group = opened(db, schedule=SCHEDULE)
    man = sign_up(db, group)
    evening(db, at, group, 1, {man["signup_id"]: "absent"})
    extra = {"local_start": wall("2027-06-01T18:00"), "topic_key": None, "catches_up": 1}
    session_step(db, "add", group, extra)
    evening(db, at, group, 5, {man["signup_id"]: "present"})
    found = step(db, "read", group, man, LEADER)["attendance"]
    assert (found["held"], found["attended"], found["absent"]) == (1, 1, 0)


def test_the_list_is_for_the_groups_leaders_and_the_coordinator(db: Database) -> None:
    group = opened(db, schedule=SCHEDULE)
    for outsider in (STRANGER, OTHER, INTAKE):
        with pytest.raises(NotFound):
            attendance_step(db, "sheet", group, 1, by=outsider)
    assert attendance_step(db, "sheet", group, 1, by=COORDINATOR)["lines"] == []


def test_a_head_count_needs_no_names(db: Database, at: Settings) -> None:
    group = opened(db, schedule=SCHEDULE)
    began(at, 1)
    assert attendance_step(db, "enter", group, 1, entered({}, headcount=17))["headcount"] == 17
