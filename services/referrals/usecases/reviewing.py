"""Looking again at who waits or pauses: C8 begins anew, the state stays."""

from __future__ import annotations

from chassis.audit import Entry
from chassis.db import Database
from chassis.errors import Conflict
from chassis.requests import Call, Outcome
from services.referrals.rules.rights import check
from services.referrals.store import legs, tasks
from services.referrals.usecases import clocks
from services.referrals.usecases.entering import OBJECT, caller_of, found, relation_to

OPERATION = "referral.review"


def review(db: Database, call: Call) -> Outcome:
    """Confirm the interest of somebody who waits, or look at a pause (C8). Raises NotFound, NotAllowed, Conflict."""
    with db.work(call) as work:
        done = work.claimed()
        caller = caller_of(work)
        leg = legs.lock_leg(work, call.path["referral_id"], caller.org_id)
        own = legs.own_row(work, leg, caller.subject)
        check(OPERATION, caller.roles, relation_to(caller, own, leg.side))
        if done is None:
            if not clocks.reviewed(work, leg, leg.side, call.body["review_on"]):
                message = f"Nothing waits for a review of yours; the referral is {own['state']}."
                raise Conflict("referral.not_possible", message)
            tasks.drop(work, leg.id, caller.org_id, ("review_due",))
        outcome = "done" if done is None else "repeated"
        work.record(Entry(operation=OPERATION, object_type=OBJECT, object_id=leg.id, outcome=outcome))
        return found(work, leg.id, OPERATION)
