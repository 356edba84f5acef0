"""Staff and one sign-up on a real database: conversation, consents, answers on his word, calls, removals, contact."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from chassis import clock
from chassis.db import Database
from chassis.errors import Conflict, Invalid, NotFound, Stale
from chassis.settings import Settings
from services.groups import usecases
from services.groups.usecases import staff
from tests.support.databases import root_url
from tests.support.group_staff import COORDINATOR, INTAKE, LEADER, SECOND, STRANGER, group_with_intake, step
from tests.support.groups import OTHER, call, opened, own, roster, sign_up

TODAY = dt.date(2026, 11, 2)
MAIL = {"channel": "email", "value": "man@example.org"}
RULES = {"code": "group-rules", "version": "2"}


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


def test_a_conversation_leads_to_a_seat_once_everything_is_there(db: Database, at: Settings) -> None:
    asked = {"consents": [RULES], "individual_meetings": 1}
    group = group_with_intake(db, programme_changes=asked)
    man = sign_up(db, group)
    assert man["state"] == "intake"
    before = step(db, "read", group, man, INTAKE)
    assert before["missing_consents"] == [RULES]
    assert before["deadline"] > clock.now() + dt.timedelta(days=20)
    step(db, "record_intake", group, man, INTAKE, {"kind": "booked", "day": TODAY})
    step(db, "record_intake", group, man, INTAKE, {"kind": "held", "day": TODAY})
    with pytest.raises(Conflict) as refused:
        step(db, "confirm", group, man, INTAKE, expected_version=before["version"])
    assert refused.value.code == "signup.not_ready"
    assert "the consent group-rules (2), 1 individual meetings (0 recorded)" in refused.value.detail
    step(db, "record_intake", group, man, INTAKE, {"kind": "individual_meeting", "day": TODAY})
    with pytest.raises(Conflict, match=r"signup\.consent_unknown"):
        step(db, "give_consents", group, man, LEADER, {"consents": [{"code": "group-rules", "version": "1"}]})
    assert step(db, "give_consents", group, man, LEADER, {"consents": [RULES]})["missing_consents"] == []
    with pytest.raises(Stale):
        step(db, "confirm", group, man, INTAKE, expected_version=99)
    shown = step(db, "confirm", group, man, INTAKE, expected_version=before["version"])
    assert (shown["state"], shown["deadline"], shown["meetings"]) == ("confirmed", None, 1)
    assert [line["transition"] for line in shown["history"]] == ["sign_up", "seat", "confirm"]
    assert own(db, "status", man)["state"] == "confirmed"
    told = query(at, "SELECT type FROM outbox WHERE type LIKE 'intake.%' OR type = 'signup.confirmed' ORDER BY no")
    assert [row[0] for row in told] == ["intake.booked", "intake.held", "signup.confirmed"]


def test_who_is_redirected_has_a_next_step_and_his_seat_goes_to_the_next(db: Database) -> None:
    group = group_with_intake(db, capacity=2)
    first, _, third = (sign_up(db, group) for _ in range(3))
    for wrong in ({"next_step": "own_group"}, {"next_step": "information", "referral_id": uuid.uuid4()}):
        body = {"outcome": "language", "group_id": None, "referral_id": None, **wrong}
        with pytest.raises(Invalid, match=r"intake\.next_step"):
            step(db, "redirect", group, first, INTAKE, body)
    body = {"outcome": "acute_crisis", "next_step": "information", "group_id": None, "referral_id": None}
    shown = step(db, "redirect", group, first, INTAKE, body)
    assert shown["state"] == "redirected"
    assert shown["entries"][-1]["outcome"] == "acute_crisis"
    assert own(db, "status", third)["state"] == "offered"
    assert "acute_crisis" not in str(own(db, "status", first))


def test_a_worker_answers_on_his_word(db: Database) -> None:
    group = opened(db, capacity=2)
    first, second, third, fourth = (sign_up(db, group) for _ in range(4))
    assert step(db, "withdraw", group, first, LEADER)["state"] == "withdrawn"
    assert step(db, "accept", group, third, LEADER)["state"] == "confirmed"
    step(db, "withdraw", group, second, COORDINATOR)
    assert step(db, "decline", group, fourth, INTAKE)["state"] == "declined"
    with pytest.raises(Conflict, match=r"signup\.not_possible"):
        step(db, "accept", group, fourth, INTAKE)


def test_a_repeated_request_does_it_once(db: Database) -> None:
    group = opened(db, capacity=2)
    man = sign_up(db, group)
    twice = [step(db, "withdraw", group, man, LEADER, idempotency_key="k", expected_version=2) for _ in range(2)]
    assert [each["version"] for each in twice] == [3, 3]


def test_somebody_is_called_before_the_head_only_with_a_reason(db: Database, at: Settings) -> None:
    group = opened(db, capacity=2)
    _, _, head, second = (sign_up(db, group) for _ in range(4))
    with pytest.raises(Conflict, match=r"group\.full"):
        step(db, "call_now", group, head, COORDINATOR, {"reason": None})
    # as after the start of a group that is closed to newcomers: nothing is offered by itself
    query(at, f"UPDATE peer_group SET state = 'running', capacity = 3 WHERE id = '{group}'")
    with pytest.raises(Invalid, match=r"queue\.reason"):
        step(db, "call_now", group, second, COORDINATOR, {"reason": None})
    with pytest.raises(Invalid, match=r"queue\.reason"):
        step(db, "call_now", group, head, COORDINATOR, {"reason": "safety"})
    with pytest.raises(NotFound):
        step(db, "call_now", group, second, LEADER, {"reason": "safety"})
    assert step(db, "call_now", group, second, COORDINATOR, {"reason": "not_reachable"})["state"] == "offered"
    line = step(db, "read", group, head, COORDINATOR)["history"][-1]
    assert (line["transition"], line["reason"]) == ("passed_over", "not_reachable")
    assert own(db, "status", head)["place"] == 1


def test_nobody_is_removed_by_one_person_alone(db: Database, at: Settings) -> None:
    group = opened(db)
    man, other = sign_up(db, group), sign_up(db, group)
    body = {"reason": "conduct"}
    with pytest.raises(Conflict, match=r"signup\.not_proposed"):
        step(db, "remove", group, man, COORDINATOR, body)
    assert step(db, "propose_removal", group, man, LEADER, body)["removal"] == "conduct"
    assert step(db, "remove", group, man, COORDINATOR, body)["state"] == "removed"
    step(db, "propose_removal", group, other, COORDINATOR, body)
    with pytest.raises(Conflict, match=r"signup\.not_proposed"):
        step(db, "remove", group, other, COORDINATOR, body)
    query(at, "UPDATE removal_proposal SET at = at - interval '24 hours'")
    shown = step(db, "remove", group, other, COORDINATOR, body)
    assert shown["history"][-1]["reason"] == "conduct.decided_alone"
    assert step(db, "read", group, other, SECOND)["state"] == "removed"


def test_a_conversation_that_does_not_come_about_lapses_only_after_two_tries(db: Database, at: Settings) -> None:
    group = group_with_intake(db, capacity=2)
    first, _, third = (sign_up(db, group) for _ in range(3))
    query(at, "UPDATE sign_up SET intake_until = now() - interval '1 second' WHERE intake_until IS NOT NULL")
    for tries in range(2):
        usecases.sweep(db)
        assert own(db, "status", first)["state"] == "intake", tries
        step(db, "record_intake", group, first, INTAKE, {"kind": "attempt", "day": TODAY})
    usecases.sweep(db)
    assert own(db, "status", first)["state"] == "lapsed"
    assert own(db, "status", third)["state"] == "offered"
    assert query(at, "SELECT count(*) FROM outbox WHERE type = 'signup.intake_lapsed'") == [(1,)]


def test_the_desk_sees_whose_conversation_is_still_to_come(db: Database) -> None:
    group = group_with_intake(db)
    man = sign_up(db, group, alias="Jonas")
    step(db, "record_intake", group, man, INTAKE, {"kind": "booked", "day": TODAY})
    asked = call("GET /groups/intake", INTAKE, operation="signup.awaiting_intake")
    lines = staff.awaiting_intake(db, asked).value["items"]
    assert [(line["alias"], line["booked_on"], line["attempts"], line["overdue"]) for line in lines] == [
        ("Jonas", TODAY, 0, False)
    ]


def test_a_contact_is_shown_to_those_who_need_it_and_each_look_is_on_record(db: Database, at: Settings) -> None:
    group = opened(db)
    man, nameless = sign_up(db, group, contact=MAIL), sign_up(db, group)
    assert step(db, "contact", group, man, LEADER)["value"] == "man@example.org"
    assert step(db, "contact", group, nameless, INTAKE)["value"] is None
    looks = query(at, "SELECT subject FROM audit WHERE operation = 'signup.contact' ORDER BY no")
    assert [row[0] for row in looks] == ["user:demo-leader-1", "member:intake"]
    for outsider in (STRANGER, OTHER):
        with pytest.raises(NotFound):
            step(db, "contact", group, man, outsider)


def test_a_sign_up_is_found_in_its_own_group_only(db: Database) -> None:
    group, other = opened(db), opened(db)
    man = sign_up(db, group)
    with pytest.raises(NotFound):
        step(db, "read", other, man, COORDINATOR)


def test_the_roster_says_what_each_of_its_readers_may_do(db: Database) -> None:
    group = opened(db)
    sign_up(db, group)
    assert roster(db, group, LEADER)[0]["allowed_actions"] == ["withdraw"]
    assert roster(db, group, COORDINATOR)[0]["allowed_actions"] == ["remove", "withdraw"]
