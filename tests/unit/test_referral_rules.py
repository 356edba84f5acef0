"""The lifecycle, the feedback contract and the choice of a receiver: pure rules, tried exhaustively."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from chassis.envelope import BASELINE
from chassis.errors import Conflict, Invalid, NotAllowed
from services.referrals.events import TYPES
from services.referrals.rules import feedback, lifecycle
from services.referrals.rules.lifecycle import CHILD_CONCERN, LIFECYCLE, ORDINARY, RECEIVER, SENDER, STATES
from services.referrals.rules.receiving import Offer, choose

POLICE, CENTRE = uuid.UUID(int=1), uuid.UUID(int=2)
OFFER = Offer(
    org_id=CENTRE,
    key="lt-kavkc",
    type="crisis_centre",
    status="active",
    service_id=uuid.UUID(int=3),
    service_key="lt-kavkc-behaviour-change",
    service_status="published",
    accepting="open",
    urgencies=("urgent", "standard"),
)


def test_every_row_of_the_table_stands_in_the_design(shared: Path) -> None:
    design = json.loads((shared / "design" / "referral_lifecycle.json").read_text())
    rows = {
        (t["id"], t["name"], t["from"], t["to"], frozenset(t["kinds"]), t.get("implicit")): frozenset(t["actors"])
        for t in design["transitions"]
    }
    assert [s["code"] for s in design["states"]] == list(STATES)
    assert {s["code"] for s in design["states"] if s["terminal"]} == lifecycle.FINAL
    for edge in LIFECYCLE:
        actors = rows[(edge.id, edge.name, edge.source, edge.target, edge.kinds, edge.implicit)]
        assert edge.actors == actors - {"system", "person", "dpo"}


def test_whatever_the_table_does_not_list_is_refused() -> None:
    listed = {(e.name, e.source, side, kind) for e in LIFECYCLE for side in e.actors for kind in e.kinds}
    tried = 0
    for action in lifecycle.ACTORS:
        for state in STATES:
            for side in (SENDER, RECEIVER):
                for kind in (ORDINARY, CHILD_CONCERN):
                    tried += 1
                    if (action, state, side, kind) in listed:
                        edge = lifecycle.decide(action, state=state, seen=state, side=side, kind=kind)
                        assert (edge.name, edge.source) == (action, state)
                        assert action in lifecycle.allowed_actions(state, side, kind)
                    else:
                        with pytest.raises((Conflict, NotAllowed)):
                            lifecycle.decide(action, state=state, seen=state, side=side, kind=kind)
                        assert action not in lifecycle.allowed_actions(state, side, kind)
    assert tried == len(lifecycle.ACTORS) * 16 * 2 * 2


def test_the_wrong_side_is_told_so_and_a_wrong_state_names_what_is_possible() -> None:
    with pytest.raises(NotAllowed):
        lifecycle.decide("accept", state="sent", seen="sent", side=SENDER, kind=ORDINARY)
    with pytest.raises(Conflict) as refusal:
        lifecycle.decide("acknowledge", state="accepted", seen="accepted", side=RECEIVER, kind=ORDINARY)
    assert refusal.value.allowed == ()
    with pytest.raises(Conflict) as refusal:
        lifecycle.decide("acknowledge", state="received", seen="received", side=RECEIVER, kind=ORDINARY)
    assert refusal.value.allowed == ("accept", "decline")


def test_a_refusal_to_the_sender_speaks_of_the_state_that_he_may_know() -> None:
    with pytest.raises(Conflict) as refusal:
        lifecycle.decide("withdraw", state="declined", seen="received", side=SENDER, kind=ORDINARY)
    assert "declined" not in refusal.value.detail
    assert refusal.value.allowed == ("withdraw",)


def test_accepting_at_once_passes_through_received() -> None:
    edge = lifecycle.decide("accept", state="sent", seen="sent", side=RECEIVER, kind=ORDINARY)
    assert lifecycle.path_of(edge) == ("received", "accepted")


def test_every_target_state_has_an_event() -> None:
    states = {state for edge in LIFECYCLE for state in lifecycle.path_of(edge)}
    assert states | {BASELINE} == set(TYPES)


@pytest.mark.parametrize("scope", feedback.SCOPES)
def test_no_scope_shows_the_sender_more_before_it_is_fixed(scope: str) -> None:
    in_force = feedback.scope_in_force(scope, fixed=False)
    assert feedback.VISIBLE[in_force] <= feedback.VISIBLE[feedback.RECEIVED_ONLY]
    assert feedback.scope_in_force(scope, fixed=True) == scope


def test_default_scopes_are_those_of_the_design() -> None:
    assert feedback.default_scope("police", ordered=False) == "received_only"
    assert feedback.default_scope("probation", ordered=False) == "attendance_and_completion"
    assert feedback.default_scope("police", ordered=True) == "attendance_and_completion"
    assert feedback.default_scope("child_rights_authority", ordered=False) == "attendance"
    assert feedback.default_scope("health_centre", ordered=False) == "completion_and_goals"


def test_hidden_reasons_leave_the_receiver_as_one_code() -> None:
    assert feedback.outward_reason("conflict_of_interest") == "not_possible_here"
    assert feedback.outward_reason("no_capacity") == "no_capacity"
    assert feedback.outward_reason(None) is None


def test_a_service_or_a_receiver_is_found_by_key_and_by_id() -> None:
    for service, receiver in (
        ("lt-kavkc-behaviour-change", None),
        (str(OFFER.service_id), None),
        (str(OFFER.service_id).upper(), None),
        (OFFER.service_key, "lt-kavkc"),
    ):
        chosen = choose([OFFER], sender=POLICE, receiver=receiver, service=service, urgency="urgent")
        assert (chosen.org_id, chosen.service_id) == (CENTRE, OFFER.service_id)
    chosen = choose([OFFER], sender=POLICE, receiver=str(CENTRE), service=None, urgency="urgent")
    assert (chosen.org_id, chosen.service_id) == (CENTRE, None)


@pytest.mark.parametrize(
    ("change", "asked", "code", "pointer"),
    [
        ({}, {"service": "nobody"}, "service.unknown", "/service"),
        ({}, {"service": None, "receiver": "nobody"}, "receiver.unknown", "/receiver"),
        ({"accepting": "closed"}, {}, "service.closed", "/service"),
        ({"accepting": "unknown"}, {}, "service.closed", "/service"),
        ({"service_status": "withdrawn"}, {}, "service.closed", "/service"),
        ({"status": "suspended"}, {}, "receiver.suspended", "/service"),
        ({"org_id": POLICE}, {}, "receiver.self", "/service"),
        ({}, {"urgency": "crisis"}, "service.urgency_not_covered", "/urgency"),
    ],
)
def test_a_receiver_that_cannot_take_it_is_named_with_its_field(
    change: dict[str, object], asked: dict[str, str | None], code: str, pointer: str
) -> None:
    question: dict[str, str | None] = {"receiver": None, "service": OFFER.service_key, "urgency": "urgent"}
    with pytest.raises(Invalid) as refusal:
        choose([replace(OFFER, **change)], sender=POLICE, **{**question, **asked})  # type: ignore[arg-type]
    assert (refusal.value.code, refusal.value.fields[0].pointer) == (code, pointer)


def test_a_closed_service_names_those_of_the_same_centre_that_accept() -> None:
    closed = replace(OFFER, service_id=uuid.UUID(int=9), service_key="lt-kavkc-closed", accepting="closed")
    with pytest.raises(Invalid, match=r"service\.closed") as refusal:
        choose([closed, OFFER], sender=POLICE, receiver=None, service="lt-kavkc-closed", urgency="urgent")
    assert "lt-kavkc-behaviour-change" in refusal.value.detail


def test_a_suspended_sender_sends_nothing() -> None:
    own = replace(OFFER, org_id=POLICE, status="suspended", service_id=None, service_key=None)
    with pytest.raises(NotAllowed):
        choose([own, OFFER], sender=POLICE, receiver=None, service=OFFER.service_key, urgency="urgent")
