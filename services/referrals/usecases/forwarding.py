"""New legs of the same episode: the receiver passes a referral on, or the sender sends it elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import Conflict
from chassis.requests import Call, Outcome
from services.referrals.rules.lifecycle import FINAL, ORDINARY
from services.referrals.rules.rights import check
from services.referrals.store import legs
from services.referrals.store import opening as rows
from services.referrals.store.legs import Leg
from services.referrals.usecases import basis, opening
from services.referrals.usecases.consequences import Act
from services.referrals.usecases.entering import OBJECT, caller_of, found, relation_to

RESENT_FROM = FINAL - {"entered_in_error"}


def passed_on(work: Work, leg: Leg, own: dict[str, Any], act: Act) -> Act:
    """Open the new leg from this receiver to the named service; the act carries the new referral's id from now on.

    The first sender is not told where it went. Raises Invalid for a service that cannot take it.
    """
    caller = caller_of(work)
    content = work.keys.open(own["key_id"], rows.CASE_PERSONAL, leg.id, legs.sealed(work, leg))
    body = {**content, "service": act.details["service"], "receiver": None, "area": None, "external_ref": None}
    opened = opening.send(work, caller, body, parent=leg.id, carried=content.get("legal_basis"))
    return replace(act, details={**act.details, "new_referral_id": str(opened.id)})


def resend(db: Database, call: Call) -> Outcome:
    """Send a referral that ended to another receiver, as a new leg. Raises NotFound, NotAllowed, Invalid, Conflict."""
    operation = "referral.resend"
    with db.work(call) as work:
        done = work.claimed()
        if done is not None:
            work.record(Entry(operation=operation, object_type=OBJECT, object_id=done, outcome="repeated"))
            return found(work, done, operation)
        caller = caller_of(work)
        leg = legs.lock_leg(work, call.path["referral_id"], caller.org_id)
        own = legs.own_row(work, leg, caller.subject)
        check(operation, caller.roles, relation_to(caller, own, leg.side))
        if own["state"] not in RESENT_FROM or leg.kind != ORDINARY:
            message = f"Only an ordinary referral that ended can be sent again; this one is {own['state']}."
            raise Conflict("referral.not_ended", message)
        content = work.keys.open(own["key_id"], rows.RECORD_PERSONAL, leg.id, legs.sealed(work, leg))
        opened = opening.send(work, caller, _addressed(content, call.body), parent=leg.id)
        legs.note_sender_acted(work, leg.id)
        work.record(Entry(operation=operation, object_type=OBJECT, object_id=opened.id))
        return found(work, opened.id, operation)


def _addressed(content: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    # The own reference stays with the first leg: each is found by its own.
    body = {**content, "service": asked["service"], "receiver": asked["receiver"]}
    body |= {"area": asked.get("area"), "external_ref": None}
    body["legal_basis"] = basis.asked_again(content.get("legal_basis"))
    return body if asked["urgency"] is None else {**body, "urgency": asked["urgency"]}
