"""Transitions: the door's way into one, and the one way in which anybody takes one."""

from __future__ import annotations

import uuid
from typing import Any

from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import Stale
from chassis.identity import Caller
from chassis.requests import Call, Outcome
from services.referrals import events
from services.referrals.rules import feedback, lifecycle, telling
from services.referrals.rules.lifecycle import DPO, RECEIVER, SENDER, SYSTEM, Edge, Standing
from services.referrals.rules.rights import check
from services.referrals.store import legs
from services.referrals.store.legs import Leg, PartyRow
from services.referrals.usecases import consent, correcting, counting, forwarding
from services.referrals.usecases.consequences import Act, Moved, follow
from services.referrals.usecases.entering import OBJECT, caller_of, found, relation_to
from services.referrals.usecases.facts import facts_of, tells
from services.referrals.usecases.guards import Attempt, guard
from services.referrals.usecases.recall import Recalled, over_for

CLOCKS = "referrals.clocks"
_PAUSES = frozenset({"on_hold", "info_requested"})


def move(db: Database, call: Call, action: str) -> Outcome:
    """Take a transition for the caller (referrals.md section 3).

    Raises NotFound, NotAllowed, Stale, Conflict with what is possible instead, and what the guards refuse. What should
    have expired by now is expired first, so that the answer is the same whether or not somebody noticed before.
    """
    try:
        return _moved(db, call, action)
    except Recalled as over:
        recall(db, over)
        return _moved(db, call, action)


def recall(db: Database, over: Recalled) -> None:
    """Take back a referral whose time for an answer is over (T21); nothing when somebody else has done it meanwhile."""
    with db.background(CLOCKS, org=over.org_id) as work:
        leg = legs.lock_leg(work, over.referral_id, over.org_id)
        if over_for(work, leg) is not None:
            expire(work, leg)
            work.record(Entry(operation="referral.expire", object_type=OBJECT, object_id=leg.id, purpose="deadline"))


def expire(work: Work, leg: Leg) -> None:
    """The system takes a locked leg back to the sender's list, for want of an answer."""
    edge = lifecycle.decide("expire", true=leg.standing, seen=leg.standing, actor=SYSTEM)
    take(work, leg, edge, Act(actor=SYSTEM))


def _moved(db: Database, call: Call, action: str) -> Outcome:
    with db.work(call) as work:
        done = work.claimed()
        if done is not None:
            operation = f"referral.{action}"
            work.record(Entry(operation=operation, object_type=OBJECT, object_id=done, outcome="repeated"))
            return found(work, done, operation)
        return move_within(work, call, action)


def move_within(work: Work, call: Call, action: str) -> Outcome:
    """The same inside a unit of work that has claimed the request, for a door that finds out there which is meant."""
    operation = f"referral.{action}"
    caller = caller_of(work)
    leg = legs.lock_leg(work, call.path["referral_id"], caller.org_id)
    own = legs.own_row(work, leg, caller.subject)
    check(operation, caller.roles, relation_to(caller, own, leg.side))
    actor = correcting.actor_of(caller, action, leg)
    edge = lifecycle.decide(action, true=leg.standing, seen=seen_of(own, leg.kind), actor=actor)
    if call.expected_version != own["version"]:
        raise Stale("referral.stale", f"The referral is at version {own['version']} now; read it again.")
    guard(work, Attempt(leg=leg, own=own, edge=edge, actor=actor, body=call.body, subject=caller.subject))
    work.record(Entry(operation=operation, object_type=OBJECT, object_id=leg.id))
    if actor == DPO and not correcting.agreed(work, leg, caller):
        return found(work, leg.id, operation)
    walk(work, leg, own, edge, act_of(caller, actor, call.body))
    return found(work, leg.id, operation)


def take(work: Work, leg: Leg, edge: Edge, act: Act) -> Moved:
    """Walk an edge: the leg once, then each party's row, history and event for each step that it may know.

    The leg is locked, the edge decided and guarded by the caller; the acting organisation is a party.
    """
    fixed = _fixed(leg, edge)
    paused = edge.target in _PAUSES
    legs.move_leg(
        work,
        leg,
        state=edge.target,
        transition=edge.name,
        held_from=leg.state if paused else None,
        held_by=act.actor if edge.target == "on_hold" else None,
        fixed=fixed,
    )
    scope = feedback.scope_in_force(leg.feedback_scope, fixed=fixed)
    told = _tell_sender(work, leg, edge, act, scope)
    if leg.receiver_id is not None and edge.source != "draft":
        _tell_receiver(work, leg, edge, act)
    moved = Moved(leg=leg, edge=edge, act=act, scope=scope, sender_told=told)
    follow(work, moved)
    return moved


def seen_of(own: dict[str, Any], kind: str) -> Standing:
    """How a party's own row stands, for what it may be told."""
    names = ("state", "held_from", "held_by", "last_transition")
    return Standing(kind=kind, **{name: own[name] for name in names})


def walk(work: Work, leg: Leg, own: dict[str, Any], edge: Edge, act: Act) -> None:
    """Take a transition for a caller of either side, with what it says kept and passed on."""
    if consent.only_objects(work, leg, own, edge):
        return
    if edge.name == "forward":
        act = forwarding.passed_on(work, leg, own, act)
    if edge.name == "complete":
        act = counting.with_attendance(work, leg, act)
    if leg.side == RECEIVER and act.actor == RECEIVER and act.details:
        _keep_handling(work, leg, own, act.details)
    take(work, leg, edge, act)


def act_of(caller: Caller, actor: str, body: dict[str, Any]) -> Act:
    """What a caller does with this loaded body."""
    details = {name: value for name, value in body.items() if name != "reason" and value is not None}
    return Act(actor=actor, org_id=caller.org_id, subject=caller.subject, reason=body.get("reason"), details=details)


def _keep_handling(work: Work, leg: Leg, own: dict[str, Any], details: dict[str, Any]) -> None:
    """What the receiver said last of each matter, in one place beside the history."""
    key = work.keys.fetch([own["key_id"]])[own["key_id"]]
    before = key.unseal(legs.CASE_HANDLING, leg.id, own["handling"]) if own["handling"] else {}
    legs.keep_handling(work, leg, key.seal(legs.CASE_HANDLING, leg.id, {**before, **details}))


def _fixed(leg: Leg, edge: Edge) -> bool:
    """The scope is fixed by the first acceptance, and open again when that is taken back."""
    if edge.name == "undo_decision":
        return leg.scope_fixed and edge.source != "accepted"
    return leg.scope_fixed or edge.target in feedback.FIXING


def _tell_sender(work: Work, leg: Leg, edge: Edge, act: Act, scope: str) -> str | None:
    row = legs.party_row(work, leg, leg.sender_id)
    last: str | None = None
    for target in lifecycle.path_of(edge):
        told = feedback.told_to_sender(
            edge, target, scope=scope, seen=row.state, before_pause=row.held_from, actor=act.actor
        )
        if told is None:
            continue
        step = _step(leg, edge, act, party=leg.sender_id, target=target, told=told, row=row, scope=scope)
        _write(work, leg, leg.sender_id, row, step, quiet=edge.name == "discard")
        row = PartyRow(state=step.state, held_from=step.held_from, key_id=row.key_id, erased_at=row.erased_at)
        last = told.event
    return last


def _tell_receiver(work: Work, leg: Leg, edge: Edge, act: Act) -> None:
    if leg.receiver_id is None:
        return
    row = legs.party_row(work, leg, leg.receiver_id)
    for target in lifecycle.path_of(edge):
        told = feedback.Told(state=target, event=edge.event if target == edge.target else target)
        step = _step(leg, edge, act, party=leg.receiver_id, target=target, told=told, row=row, scope="full_report")
        _write(work, leg, leg.receiver_id, row, step)


def _step(
    leg: Leg, edge: Edge, act: Act, *, party: uuid.UUID, target: str, told: feedback.Told, row: PartyRow, scope: str
) -> legs.Step:
    side = SENDER if party == leg.sender_id else RECEIVER
    own, last = party == act.org_id, target == edge.target
    reason = (act.reason if own else feedback.outward_reason(act.reason)) if last and told.state != "closed" else None
    details = telling.told_details(edge.name, act.details, actor=act.actor, to=side, scope=scope)
    hidden = told.state == "closed"
    paused = told.state in _PAUSES
    return legs.Step(
        transition=told.event if hidden else edge.name if last else "acknowledge",
        event=told.event,
        state=told.state,
        held_from=(row.held_from if row.state in _PAUSES else row.state) if paused else None,
        held_by=act.actor if told.state == "on_hold" else None,
        reason=reason,
        by_org=None if hidden else act.org_id,
        by_subject=act.subject if own else None,
        details=details if last and not hidden else {},
    )


def _write(work: Work, leg: Leg, party: uuid.UUID, row: PartyRow, step: legs.Step, *, quiet: bool = False) -> None:
    version = legs.step(work, leg, party, row, step)
    if quiet or not tells(leg.kind, party, leg.sender_id):
        return
    event = events.moved(
        facts_of(leg),
        verb=step.event,
        state=step.state,
        version=version,
        audience=party,
        reason=feedback.outward_reason(step.reason),
        at=work.now,
    )
    work.tell(event)
