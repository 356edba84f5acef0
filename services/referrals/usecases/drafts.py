"""Drafts: only the sender sees them; they are changed, sent, dropped, and go after a month (T02, T03)."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import ValidationError

from chassis import clock, erasure
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import Conflict, Invalid, Stale, Unavailable
from chassis.requests import Call, Outcome
from chassis.schema import field_errors
from services.referrals import schemas, views
from services.referrals.rules import deadlines, lifecycle
from services.referrals.rules.lifecycle import SENDER, SYSTEM, Edge
from services.referrals.rules.rights import check
from services.referrals.store import legs, opening
from services.referrals.store.legs import Leg
from services.referrals.usecases.consequences import Act
from services.referrals.usecases.entering import OBJECT, caller_of, found, listed, relation_to
from services.referrals.usecases.moving import seen_of, take
from services.referrals.usecases.opening import send
from services.referrals.usecases.records import RECORDS

AT_ONCE = 100
ACTOR = "referrals.drafts"


def drafts(db: Database, call: Call) -> Outcome:
    """The organisation's own drafts, last changed first."""
    return listed(db, call, "referral.drafts", SENDER, views.drafts, by="changed_at")


def edit(db: Database, call: Call) -> Outcome:
    """Put other content into a draft. Raises NotFound, NotAllowed, Stale, Conflict where it was sent already."""
    with db.work(call) as work:
        done = work.claimed()
        if done is not None:
            return _repeated(work, done, "referral.edit")
        leg, own = _entered(work, call, "referral.edit")
        if own["state"] != "draft":
            message = f"Only a draft can be put anew; this referral is {own['state']}."
            raise Conflict("referral.not_a_draft", message)
        _check_version(call, own)
        key = work.keys.fetch([own["key_id"]])[own["key_id"]]
        sealed = key.seal(opening.RECORD_PERSONAL, leg.id, call.body)
        opening.rewrite_draft(work, leg.id, sealed=sealed, urgency=call.body.get("urgency", "standard"))
        work.record(Entry(operation="referral.edit", object_type=OBJECT, object_id=leg.id))
        return found(work, leg.id, "referral.edit")


def submit(db: Database, call: Call) -> Outcome:
    """Send a draft (T02). Raises Invalid with what is still missing, and whatever creating would."""
    with db.work(call) as work:
        done = work.claimed()
        if done is not None:
            return _repeated(work, done, "referral.submit")
        leg, own = _entered(work, call, "referral.submit")
        _edge(leg, own, "submit", SENDER)
        _check_version(call, own)
        kept = work.keys.open(own["key_id"], opening.RECORD_PERSONAL, leg.id, legs.sealed(work, leg))
        send(work, caller_of(work), _complete(kept), draft=leg, version=own["version"] + 1)
        work.record(Entry(operation="referral.submit", object_type=OBJECT, object_id=leg.id))
        return found(work, leg.id, "referral.submit")


def discard(db: Database, call: Call) -> Outcome:
    """Drop a draft: it shows as withdrawn now, and its content is erased at once (T03)."""
    with db.work(call) as work:
        done = work.claimed()
        if done is not None:
            with work.closed_too():
                return _repeated(work, done, "referral.discard")
        caller = caller_of(work)
        leg, own = _entered(work, call, "referral.discard")
        edge = _edge(leg, own, "discard", SENDER)
        _check_version(call, own)
        take(work, leg, edge, Act(actor=SENDER, org_id=caller.org_id, subject=caller.subject))
        outcome = found(work, leg.id, "referral.discard")
        work.record(Entry(operation="referral.discard", object_type=OBJECT, object_id=leg.id))
        begun = _erase(work, leg)
    _finish(db, begun)
    return outcome


def purge(db: Database) -> int:
    """Drop drafts that nobody touched for a month; a sweeper calls this. Returns how many went."""
    with db.background(ACTOR) as work:
        due = opening.drafts_due(work, clock.now() - deadlines.DRAFT_KEPT, AT_ONCE)
    return sum(_purged(db, org, referral_id) for org, referral_id in due)


def _purged(db: Database, org: uuid.UUID, referral_id: uuid.UUID) -> bool:
    with db.background(ACTOR, org=org) as work:
        leg = legs.lock_leg(work, referral_id, org)
        if leg.state != "draft":
            return False
        edge = lifecycle.decide("discard", true=leg.standing, seen=leg.standing, actor=SYSTEM)
        take(work, leg, edge, Act(actor=SYSTEM))
        work.record(Entry(operation="referral.discard", object_type=OBJECT, object_id=leg.id, purpose="retention"))
        begun = _erase(work, leg)
    _finish(db, begun)
    return True


def _entered(work: Work, call: Call, operation: str) -> tuple[Leg, dict[str, Any]]:
    caller = caller_of(work)
    leg = legs.lock_leg(work, call.path["referral_id"], caller.org_id)
    own = legs.own_row(work, leg, caller.subject)
    check(operation, caller.roles, relation_to(caller, own, leg.side))
    return leg, own


def _edge(leg: Leg, own: dict[str, Any], action: str, actor: str) -> Edge:
    return lifecycle.decide(action, true=leg.standing, seen=seen_of(own, leg.kind), actor=actor)


def _check_version(call: Call, own: dict[str, Any]) -> None:
    if call.expected_version != own["version"]:
        raise Stale("referral.stale", f"The referral is at version {own['version']} now; read it again.")


def _complete(kept: dict[str, Any]) -> dict[str, Any]:
    schema = schemas.NewReferral()
    try:
        complete: dict[str, Any] = schema.load({name: value for name, value in kept.items() if name != "draft"})
    except ValidationError as error:
        message = "The draft is not complete yet."
        raise Invalid("referral.incomplete", message, fields=field_errors(error, schema)) from None
    return complete


def _erase(work: Work, leg: Leg) -> erasure.Erasure:
    return erasure.begin(work, RECORDS, leg.id, org=leg.sender_id, reason="no_longer_needed", basis="gdpr_5_1_e")


def _finish(db: Database, begun: erasure.Erasure) -> None:
    try:
        erasure.finish(db, RECORDS, begun)
    except Unavailable:
        return  # hidden and written down; the sweeper goes on


def _repeated(work: Work, referral_id: uuid.UUID, operation: str) -> Outcome:
    work.record(Entry(operation=operation, object_type=OBJECT, object_id=referral_id, outcome="repeated"))
    return found(work, referral_id, operation)
