"""The lifecycle on a real database: pauses, undoing, new legs, corrections, drafts, and what the sender learns."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace

import psycopg
import pytest

from chassis.db import Database
from chassis.errors import Conflict, Invalid, NotAllowed, NotFound
from chassis.settings import Settings
from services.referrals import usecases
from services.referrals.events import BESIDES
from services.referrals.rules.lifecycle import RECEIVER, SENDER
from services.referrals.schemas.transitions import EXAMPLES
from services.referrals.usecases import suspending
from tests.support.databases import root_url
from tests.support.referrals import CENTRE, FAR, OTHER, POLICE, ask, expire, go, look, new, seed

SIDES = {SENDER: POLICE, RECEIVER: CENTRE}
LONG_WAY = (
    (RECEIVER, "acknowledge", "received"),
    (RECEIVER, "request_info", "info_requested"),
    (SENDER, "provide_info", "received"),
    (RECEIVER, "start_assessment", "assessing"),
    (RECEIVER, "request_info", "info_requested"),
    (SENDER, "provide_info", "assessing"),
    (RECEIVER, "accept", "accepted"),
    (RECEIVER, "waitlist", "waitlisted"),
    (RECEIVER, "hold", "on_hold"),
    (RECEIVER, "resume", "waitlisted"),
    (RECEIVER, "offer_place", "accepted"),
    (RECEIVER, "start", "in_progress"),
    (RECEIVER, "return_to_list", "waitlisted"),
    (RECEIVER, "start", "in_progress"),
    (RECEIVER, "complete", "completed"),
)


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("referrals")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "referrals")
    seed(database)
    yield database
    database.close()


def rows(at: Settings, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(root_url(at, "referrals"), autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


def created(db: Database, **changes: object) -> uuid.UUID:
    made: uuid.UUID = usecases.create(db, new(**changes)).value["id"]
    return made


def walk(db: Database, referral: uuid.UUID, *steps: tuple[str, str]) -> None:
    for side, action in steps:
        go(db, SIDES[side], referral, action, **EXAMPLES[action])


def state(db: Database, by: object, referral: uuid.UUID) -> str:
    found: str = usecases.read(db, look(by, referral)).value["state"]  # type: ignore[arg-type]
    return found


def learnt(db: Database, referral: uuid.UUID) -> list[str]:
    return [step["to_state"] for step in usecases.history(db, look(POLICE, referral)).value["items"]]


def test_the_long_way_and_every_state_on_it(db: Database) -> None:
    referral = created(db, feedback_scope="full_report")
    for side, action, reached in LONG_WAY:
        go(db, SIDES[side], referral, action, **EXAMPLES[action])
        assert state(db, CENTRE, referral) == reached
    steps = usecases.history(db, look(CENTRE, referral)).value["items"]
    assert [step["to_state"] for step in steps] == ["sent", *(reached for _, _, reached in LONG_WAY)]
    assert [step["transition"] for step in steps] == ["submit", *(action for _, action, _ in LONG_WAY)]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("none", ["sent"]),
        ("received_only", ["sent", "received", "info_requested", "received", "info_requested", "received", "closed"]),
        (
            "attendance",
            [
                *("sent", "received", "info_requested", "received", "info_requested", "received"),
                *("accepted", "waitlisted", "accepted", "in_progress", "waitlisted", "in_progress", "closed"),
            ],
        ),
        (
            "attendance_and_completion",
            [
                *("sent", "received", "info_requested", "received", "info_requested", "received"),
                *("accepted", "waitlisted", "accepted", "in_progress", "waitlisted", "in_progress", "completed"),
            ],
        ),
        (
            "completion_and_goals",
            [
                *("sent", "received", "info_requested", "received", "info_requested", "received"),
                *("accepted", "completed"),
            ],
        ),
    ],
)
def test_the_sender_learns_what_the_scope_says_and_his_events_are_the_same(
    db: Database, at: Settings, scope: str, expected: list[str]
) -> None:
    referral = created(db, feedback_scope=scope)
    if scope == "none":
        walk(db, referral, (RECEIVER, "accept"), (RECEIVER, "start"), (RECEIVER, "complete"))
        assert learnt(db, referral) == ["sent"]
        return
    walk(db, referral, *((side, action) for side, action, _ in LONG_WAY))
    assert learnt(db, referral) == expected
    mine = f"audience = 'org:{POLICE.org_id}'"
    step = f"{mine} AND split_part(type, '.', 2) <> ALL ('{{{','.join(BESIDES)}}}')"
    told = rows(at, f"SELECT data->>'state', (data->>'version')::int FROM outbox WHERE {step} ORDER BY no")
    assert [each for each, _ in told] == expected
    assert [version for _, version in told] == list(range(1, len(expected) + 1))
    assert usecases.read(db, look(POLICE, referral)).version == len(expected)


def test_what_a_closed_sender_sees_has_no_reason_and_no_way_on(db: Database, at: Settings) -> None:
    referral = created(db)
    walk(db, referral, (RECEIVER, "accept"))
    go(db, CENTRE, referral, "end", reason="moved")
    seen = usecases.read(db, look(POLICE, referral)).value
    assert (seen["state"], seen["reason_code"], seen["allowed_actions"]) == ("closed", None, [])
    last = usecases.history(db, look(POLICE, referral)).value["items"][-1]
    assert (last["reason_code"], last["by"], last["by_subject"], last["details"]) == (None, None, None, None)
    received = usecases.history(db, look(POLICE, referral)).value["items"][-2]
    assert last["at"] == received["at"] == seen["changed_at"]  # nor does it say when
    told = rows(
        at, f"SELECT type, data::text FROM outbox WHERE audience = 'org:{POLICE.org_id}' ORDER BY no DESC LIMIT 1"
    )
    assert told[0][0] == "referral.closed"
    assert "moved" not in str(told[0][1])
    with pytest.raises(Conflict) as refusal:
        go(db, POLICE, referral, "withdraw", reason="mistaken")
    assert "ended" not in refusal.value.detail


def test_details_go_to_whom_they_are_meant_for(db: Database) -> None:
    referral = created(db, feedback_scope="attendance_and_completion")
    walk(db, referral, (RECEIVER, "acknowledge"))
    go(db, CENTRE, referral, "request_info", question="Which day?", fields=["contact"])
    asked = usecases.read(db, look(POLICE, referral)).value["asked"]
    assert asked == {"question": "Which day?", "fields": ["contact"]}
    go(db, POLICE, referral, "provide_info", answer="Any day after four.")
    answered = usecases.history(db, look(CENTRE, referral)).value["items"][-1]
    assert answered["details"] == {"answer": "Any day after four."}
    go(db, CENTRE, referral, "accept", responsible="Team Kanarėlė", next_step_on="2026-12-01")
    go(db, CENTRE, referral, "start", started_on="2026-12-02", how="first_session")
    go(db, CENTRE, referral, "complete", **EXAMPLES["complete"])
    theirs = usecases.history(db, look(POLICE, referral)).value["items"]
    assert "Kanarėlė" not in str(theirs)
    assert set(theirs[-1]["details"]) == {"ended_on", "outcome", "attendance"}  # goals are another scope's
    mine = usecases.read(db, look(CENTRE, referral)).value["handling"]
    assert (mine["responsible"], mine["outcome"]) == ("Team Kanarėlė", "completed")


def test_a_pause_that_the_sender_set_is_his_to_end_and_another_is_not(db: Database) -> None:
    referral = created(db, feedback_scope="attendance")
    walk(db, referral, (RECEIVER, "accept"))
    walk(db, referral, (SENDER, "hold"))
    assert (state(db, POLICE, referral), state(db, CENTRE, referral)) == ("on_hold", "on_hold")
    assert "resume" in usecases.read(db, look(POLICE, referral)).value["allowed_actions"]
    walk(db, referral, (SENDER, "resume"))
    assert (state(db, POLICE, referral), state(db, CENTRE, referral)) == ("accepted", "accepted")
    walk(db, referral, (RECEIVER, "hold"))
    assert state(db, POLICE, referral) == "accepted"
    with pytest.raises(Conflict):
        walk(db, referral, (SENDER, "resume"))
    walk(db, referral, (RECEIVER, "resume"))
    assert learnt(db, referral) == ["sent", "received", "accepted", "on_hold", "accepted"]


def test_a_sender_can_not_find_out_by_trying_what_is_hidden_from_him(db: Database) -> None:
    """Under received_only he sees `received` all along: a pause is refused in the same words whatever is true."""
    told = []
    for ways in (
        [],
        [(RECEIVER, "start_assessment")],
        [(RECEIVER, "accept")],
        [(RECEIVER, "accept"), (RECEIVER, "hold")],
    ):
        referral = created(db)
        walk(db, referral, (RECEIVER, "acknowledge"), *ways)
        with pytest.raises(Conflict) as refusal:
            walk(db, referral, (SENDER, "hold"))
        told.append((refusal.value.code, refusal.value.detail, refusal.value.allowed))
    assert len(set(told)) == 1


def test_an_expired_referral_goes_to_nobody_who_could_not_take_it_today(db: Database, at: Settings) -> None:
    referral = created(db)
    expire(db, referral)
    rows(at, f"UPDATE partner SET status = 'suspended' WHERE org_id = '{CENTRE.org_id}'")
    with pytest.raises(Invalid) as refusal:
        walk(db, referral, (SENDER, "revive"))
    assert refusal.value.code == "receiver.suspended"


def test_what_lies_with_a_suspended_organisation_goes_back_to_its_senders(db: Database, at: Settings) -> None:
    waiting, taken, ordered = created(db), created(db), created(db, ordered=True, order_reference="N-1")
    walk(db, taken, (RECEIVER, "accept"))
    assert suspending.give_back(db) == 0
    rows(at, f"UPDATE partner SET status = 'suspended' WHERE org_id = '{CENTRE.org_id}'")
    assert suspending.give_back(db) == 3
    assert suspending.give_back(db) == 0
    assert [state(db, POLICE, each) for each in (waiting, taken, ordered)] == ["expired", "received", "sent"]
    tasks = "SELECT DISTINCT org_id FROM task WHERE kind = 'receiver_suspended' AND referral_id = ANY ('{%s,%s,%s}')"
    assert rows(at, tasks % (waiting, taken, ordered)) == [(POLICE.org_id,)]


def test_a_reason_goes_with_its_step(db: Database) -> None:
    referral = created(db)
    walk(db, referral, (RECEIVER, "decline"), (RECEIVER, "undo_decision"))
    assert usecases.read(db, look(POLICE, referral)).value["reason_code"] is None


def test_a_pause_of_the_sender_that_the_receiver_ends_is_told(db: Database) -> None:
    referral = created(db, feedback_scope="attendance")
    walk(db, referral, (RECEIVER, "accept"), (SENDER, "hold"), (RECEIVER, "resume"))
    assert (state(db, POLICE, referral), state(db, CENTRE, referral)) == ("accepted", "accepted")


def test_a_decision_is_taken_back_within_a_day_and_only_while_the_sender_has_not_acted(
    db: Database, at: Settings
) -> None:
    referral = created(db, feedback_scope="attendance")
    walk(db, referral, (RECEIVER, "accept"), (RECEIVER, "undo_decision"))
    assert learnt(db, referral) == ["sent", "received", "accepted", "received"]
    assert rows(at, "SELECT scope_fixed FROM leg") == [(False,)]
    walk(db, referral, (RECEIVER, "decline"))
    rows(at, "UPDATE leg SET changed_at = changed_at - interval '24 hours 1 second'")
    with pytest.raises(Conflict) as late:
        walk(db, referral, (RECEIVER, "undo_decision"))
    assert late.value.code == "referral.too_late"
    rows(at, "UPDATE leg SET changed_at = now()")
    usecases.resend(db, ask(POLICE, referral, "resend", service="lt-kapvc-consultations", receiver=None, urgency=None))
    with pytest.raises(Conflict) as acted:
        walk(db, referral, (RECEIVER, "undo_decision"))
    assert acted.value.code == "referral.sender_acted"


def test_only_a_decision_is_undone(db: Database) -> None:
    referral = created(db)
    walk(db, referral, (RECEIVER, "accept"), (RECEIVER, "waitlist"), (RECEIVER, "offer_place"))
    assert "undo_decision" not in usecases.read(db, look(CENTRE, referral)).value["allowed_actions"]
    with pytest.raises(Conflict):
        walk(db, referral, (RECEIVER, "undo_decision"))


def test_an_ended_case_opens_again_for_thirty_days(db: Database, at: Settings) -> None:
    referral = created(db)
    walk(db, referral, (RECEIVER, "accept"), (RECEIVER, "end"))
    assert state(db, POLICE, referral) == "closed"
    walk(db, referral, (RECEIVER, "reopen"))
    assert (state(db, CENTRE, referral), state(db, POLICE, referral)) == ("in_progress", "closed")
    walk(db, referral, (RECEIVER, "complete"))
    assert learnt(db, referral) == ["sent", "received", "closed"]
    rows(at, "UPDATE leg SET changed_at = changed_at - interval '30 days 1 second'")
    with pytest.raises(Conflict):
        walk(db, referral, (RECEIVER, "reopen"))


def test_an_expired_referral_is_the_senders_again_and_is_counted(db: Database, at: Settings) -> None:
    referral = created(db)
    expire(db, referral)
    assert (state(db, POLICE, referral), state(db, CENTRE, referral)) == ("expired", "expired")
    assert usecases.history(db, look(POLICE, referral)).value["items"][-1]["by"] is None
    with pytest.raises(Conflict):
        walk(db, referral, (RECEIVER, "accept"))
    walk(db, referral, (SENDER, "revive"), (RECEIVER, "accept"))
    assert rows(at, "SELECT revived, state FROM leg") == [(1, "accepted")]


def test_forwarding_opens_a_leg_of_the_same_episode_and_names_no_target_to_the_sender(
    db: Database, at: Settings
) -> None:
    referral = created(db, external_ref="N-1", feedback_scope="full_report")
    moved = go(db, CENTRE, referral, "forward", service="lt-kapvc-consultations", reason="other_service_better")
    onward = uuid.UUID(moved.value["handling"]["new_referral_id"])
    assert rows(at, f"SELECT parent_id, sender_id, receiver_id, state FROM leg WHERE id = '{onward}'") == [
        (referral, CENTRE.org_id, OTHER.org_id, "sent")
    ]
    assert len(rows(at, "SELECT DISTINCT episode_id FROM leg")) == 1
    theirs = usecases.history(db, look(POLICE, referral)).value["items"]
    assert [step["to_state"] for step in theirs] == ["sent", "received", "forwarded"]
    assert str(onward) not in str(theirs)
    assert "kapvc" not in str(theirs) + str(usecases.read(db, look(POLICE, referral)).value)
    read = usecases.read(db, look(OTHER, onward)).value
    assert read["person"] == {"name": "Demo Pavyzdys", "birth_year": 1985}
    assert "parent_id" not in read
    assert usecases.read(db, look(CENTRE, onward)).value["parent_id"] == referral
    with pytest.raises(NotFound):
        usecases.read(db, look(POLICE, onward))
    assert "N-1" not in str(usecases.read(db, look(CENTRE, onward)).value)


def test_a_target_that_cannot_take_it_stops_the_forwarding_whole(db: Database, at: Settings) -> None:
    referral = created(db)
    with pytest.raises(Invalid):
        go(db, CENTRE, referral, "forward", service="nobody", reason="other_service_better")
    assert rows(at, "SELECT state FROM leg") == [("sent",)]


def test_what_ended_goes_elsewhere_as_a_new_leg(db: Database, at: Settings) -> None:
    referral = created(db)
    again = ask(POLICE, referral, "resend", service="fi-lyomaton-linja", receiver=None, urgency="standard", key="k-1")
    with pytest.raises(Conflict):
        usecases.resend(db, again)
    walk(db, referral, (RECEIVER, "decline"))
    made = usecases.resend(db, again)
    assert usecases.resend(db, again).value["id"] == made.value["id"]
    assert (made.value["parent_id"], made.value["urgency"], made.value["receiver"]["key"]) == (
        referral,
        "standard",
        "fi-miessakit",
    )
    assert usecases.read(db, look(FAR, made.value["id"])).value["person"]["name"] == "Demo Pavyzdys"
    assert len(rows(at, "SELECT DISTINCT episode_id FROM leg")) == 1
    with pytest.raises(NotAllowed):
        usecases.resend(db, ask(CENTRE, referral, "resend", service="fi-lyomaton-linja", receiver=None, urgency=None))


def test_an_error_is_the_senders_before_receipt_and_both_officers_afterwards(db: Database, at: Settings) -> None:
    first, second = created(db), created(db)
    walk(db, first, (SENDER, "mark_error"))
    assert (state(db, POLICE, first), state(db, CENTRE, first)) == ("entered_in_error", "entered_in_error")
    assert "person" not in usecases.read(db, look(CENTRE, first)).value
    walk(db, second, (RECEIVER, "acknowledge"))
    worker = replace(POLICE, roles=frozenset({"sender_worker"}))
    with pytest.raises((Conflict, NotAllowed)):
        go(db, worker, second, "mark_error", text="typed in twice")
    ours, theirs = (replace(party, roles=frozenset({"dpo"})) for party in (POLICE, CENTRE))
    go(db, ours, second, "mark_error", text="typed in twice")
    assert state(db, POLICE, second) == "received"
    with pytest.raises(Conflict) as alone:
        go(db, ours, second, "mark_error", text="typed in twice")
    assert alone.value.code == "referral.other_officer_needed"
    seen = go(db, theirs, second, "mark_error", text="typed in twice").value
    assert seen["state"] == "entered_in_error"
    assert "person" not in seen
    assert rows(at, "SELECT count(*) FROM sender_record WHERE locked_at IS NOT NULL") == [(2,)]
    assert usecases.history(db, look(CENTRE, second)).value["items"][-1]["details"] is None


def test_a_step_in_between_ends_the_proposal_of_a_correction(db: Database) -> None:
    referral = created(db)
    walk(db, referral, (RECEIVER, "acknowledge"))
    ours, theirs = (replace(party, roles=frozenset({"dpo"})) for party in (POLICE, CENTRE))
    go(db, ours, referral, "mark_error", text="typed in twice")
    walk(db, referral, (RECEIVER, "accept"))
    go(db, theirs, referral, "mark_error", text="typed in twice")
    assert state(db, CENTRE, referral) == "accepted"  # it is the first proposal of two again


def test_a_draft_is_nobody_elses_and_needs_nothing_yet(db: Database, at: Settings) -> None:
    draft = usecases.create(db, new(draft=True, only=("reason",), reason="Invented: half a case"))
    assert (draft.value["state"], draft.value["receiver"]) == ("draft", None)
    assert set(draft.value["allowed_actions"]) == {"submit", "discard"}
    made = draft.value["id"]
    assert rows(at, "SELECT count(*) FROM outbox") == [(0,)]
    with pytest.raises(NotFound):
        usecases.read(db, look(CENTRE, made))
    with pytest.raises(Invalid) as missing:
        usecases.submit(db, ask(POLICE, made, "submit", version=1))
    assert {fault.pointer for fault in missing.value.fields} >= {"/person", "/needs", "/urgency"}
    edited = usecases.edit(db, ask(POLICE, made, "edit", version=1, body=new(draft=True).body))
    assert (edited.version, edited.value["person"]["name"]) == (2, "Demo Pavyzdys")
    sent = usecases.submit(db, ask(POLICE, made, "submit", version=2))
    assert (sent.value["state"], sent.value["receiver"]["key"], sent.version) == ("sent", "lt-kavkc", 3)
    assert state(db, CENTRE, made) == "sent"
    assert rows(at, "SELECT (data->>'version')::int FROM outbox ORDER BY no") == [(3,), (1,)]
    with pytest.raises(Conflict):
        usecases.edit(db, ask(POLICE, made, "edit", version=3, body=new(draft=True).body))


def test_a_dropped_draft_leaves_no_content(db: Database, at: Settings) -> None:
    made = usecases.create(db, new(draft=True)).value["id"]
    asked = ask(POLICE, made, "discard", version=1, key="k-1")
    assert usecases.discard(db, asked).value["state"] == "withdrawn"
    assert usecases.discard(db, asked).value["state"] == "withdrawn"
    with pytest.raises(NotFound):
        usecases.read(db, look(POLICE, made))
    assert rows(at, "SELECT length(personal), erased_at IS NOT NULL FROM sender_record") == [(0, True)]
    assert rows(at, "SELECT count(*) FROM outbox") == [(0,)]


def test_a_draft_goes_after_a_month_and_not_a_day_before(db: Database, at: Settings) -> None:
    made = usecases.create(db, new(draft=True)).value["id"]
    assert usecases.purge(db) == 0
    rows(at, "UPDATE sender_record SET changed_at = changed_at - interval '30 days 1 minute'")
    assert usecases.purge(db) == 1
    assert usecases.purge(db) == 0
    assert rows(at, f"SELECT state FROM leg WHERE id = '{made}'") == [("withdrawn",)]
