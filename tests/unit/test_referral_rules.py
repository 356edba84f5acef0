"""The lifecycle, the feedback contract and the choice of a receiver: pure rules, tried exhaustively."""

from __future__ import annotations

import itertools
import json
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chassis.envelope import BASELINE
from chassis.errors import Conflict, Invalid, NotAllowed
from services.referrals.events import BESIDES, TYPES
from services.referrals.rules import feedback, lifecycle
from services.referrals.rules.lifecycle import (
    CHILD_CONCERN,
    CLOSED,
    DPO,
    LIFECYCLE,
    ORDINARY,
    PERSON,
    RECEIVER,
    SENDER,
    STATES,
    SYSTEM,
    Edge,
    Standing,
)
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


ALL_ACTORS = (SENDER, RECEIVER, SYSTEM, PERSON, DPO)


def edges_of_the_design(shared: Path) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    design = json.loads((shared / "design" / "referral_lifecycle.json").read_text())
    assert [s["code"] for s in design["states"]] == list(STATES)
    assert {s["code"] for s in design["states"] if s["terminal"]} == lifecycle.FINAL
    return {(t["id"], t["name"], t["from"], t["to"]): t for t in design["transitions"] if t["from"]}


def test_the_table_is_that_of_the_design_edge_by_edge(shared: Path) -> None:
    design = edges_of_the_design(shared)
    assert {(e.id, e.name, e.source, e.target) for e in LIFECYCLE} == set(design)
    assert len(LIFECYCLE) == len(design)
    for edge in LIFECYCLE:
        row = design[(edge.id, edge.name, edge.source, edge.target)]
        assert edge.actors == set(row["actors"])
        assert edge.kinds == set(row["kinds"])
        assert edge.implicit == row.get("implicit")
        assert edge.back == (row.get("to_rule") == "held_from")


def possible(edge: Edge, target: str, *, actor: str, kind: str, held_by: str | None, last: str | None) -> bool:
    """The guards of referrals.md section 3 in words of their own."""
    if edge.target != target or actor not in edge.actors or kind not in edge.kinds:
        return False
    if edge.name == "resume" and actor == SENDER:
        return held_by == SENDER
    if edge.name == "undo_decision":
        return last in {"accept", "decline"}
    return not (edge.name == "mark_error" and actor == SENDER and edge.source != "sent")


def test_sixteen_by_sixteen_by_actor_by_kind(shared: Path) -> None:
    """Every action from every state towards every state, by everybody, for both kinds: only the listed ones pass."""
    passed = refused = 0
    for source, target, actor, kind, action in itertools.product(
        STATES, STATES, ALL_ACTORS, (ORDINARY, CHILD_CONCERN), lifecycle.ACTIONS
    ):
        for held_by, last in ((SENDER, "accept"), (RECEIVER, "decline"), (RECEIVER, "hold")):
            # what a pause was entered from decides where a way back leads
            true = Standing(state=source, kind=kind, held_from=target, held_by=held_by, last_transition=last)
            expected = any(
                edge.name == action
                and edge.source == source
                and possible(edge, target, actor=actor, kind=kind, held_by=held_by, last=last)
                for edge in LIFECYCLE
            )
            try:
                edge = lifecycle.decide(action, true=true, seen=true, actor=actor)
            except (Conflict, NotAllowed):
                assert not expected, (action, source, target, actor, kind)
                refused += 1
                continue
            assert (edge.name, edge.source) == (action, source)
            assert (edge.target == target) == expected
            assert action in lifecycle.allowed_actions(true, actor)
            passed += edge.target == target
    assert passed + refused > 0
    assert passed == sum(
        possible(edge, edge.target, actor=actor, kind=kind, held_by=held_by, last=last)
        for edge in LIFECYCLE
        for actor in ALL_ACTORS
        for kind in (ORDINARY, CHILD_CONCERN)
        for held_by, last in ((SENDER, "accept"), (RECEIVER, "decline"), (RECEIVER, "hold"))
    )


def standing(state: str, **more: str) -> Standing:
    return Standing(state=state, kind=ORDINARY, **more)


def test_the_wrong_side_is_told_so_and_a_wrong_state_names_what_is_possible() -> None:
    with pytest.raises(NotAllowed):
        lifecycle.decide("accept", true=standing("sent"), seen=standing("sent"), actor=SENDER)
    with pytest.raises(Conflict) as refusal:
        lifecycle.decide("acknowledge", true=standing("declined"), seen=standing("declined"), actor=RECEIVER)
    assert refusal.value.allowed == ()
    with pytest.raises(Conflict) as refusal:
        lifecycle.decide("acknowledge", true=standing("on_hold"), seen=standing("on_hold"), actor=RECEIVER)
    assert refusal.value.allowed == ("resume", "end", "revoke_consent")


def test_a_refusal_to_the_sender_speaks_of_the_state_that_he_may_know() -> None:
    with pytest.raises(Conflict) as refusal:
        lifecycle.decide("withdraw", true=standing("declined"), seen=standing("received"), actor=SENDER)
    assert "declined" not in refusal.value.detail
    assert refusal.value.allowed == ("withdraw", "revoke_consent")


def test_accepting_at_once_passes_through_received() -> None:
    edge = lifecycle.decide("accept", true=standing("sent"), seen=standing("sent"), actor=RECEIVER)
    assert lifecycle.path_of(edge) == ("received", "accepted")


def test_every_step_has_an_event() -> None:
    verbs = {edge.event for edge in LIFECYCLE} | {edge.implicit for edge in LIFECYCLE if edge.implicit}
    assert verbs | {BASELINE, CLOSED} == {verb for verb in TYPES if "." not in verb} - {"attached", *BESIDES}
    assert {TYPES[verb].name for verb in verbs} == {f"referral.{verb}" for verb in verbs}


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
