"""Cards of the area queue as a candidate works with them: read, pass, take."""

from __future__ import annotations

from chassis import paging
from chassis.audit import Entry
from chassis.db import Database
from chassis.errors import NotFound
from chassis.requests import Call, Outcome
from services.referrals.rules import legal, lifecycle
from services.referrals.rules.lifecycle import RECEIVER
from services.referrals.rules.rights import check_open
from services.referrals.store import area, legs
from services.referrals.usecases.entering import OBJECT, caller_of, found
from services.referrals.usecases.guards import Attempt, guard
from services.referrals.usecases.moving import act_of, recall, walk
from services.referrals.usecases.queueing import close_cards, open_case
from services.referrals.usecases.recall import Recalled
from services.referrals.views import area as views

CARD = "area_offer"


def cards(db: Database, call: Call) -> Outcome:
    """Open cards of the caller's organisation, newest first."""
    limit = call.query["limit"]
    with db.work(call) as work:
        rows = views.cards(work, after=paging.position(call.query["cursor"]), limit=limit + 1)
        work.record(Entry(operation="area_offer.list", object_type=CARD, object_id=None))
        return Outcome(value=paging.page(rows, limit, by="made_at"))


def card(db: Database, call: Call) -> Outcome:
    """One open card. Raises NotFound."""
    with db.work(call) as work:
        row = views.card(work, call.path["offer_id"])
        work.record(Entry(operation="area_offer.read", object_type=CARD, object_id=row["id"]))
        return Outcome(value=row)


def passed(db: Database, call: Call) -> Outcome:
    """Hide the card: no transition, and nobody else learns of it. Raises NotFound."""
    offer_id = call.path["offer_id"]
    with db.work(call) as work:
        again = work.claimed() is not None
        if not again and not area.close(work, caller_of(work).org_id, offer_id, "passed"):
            raise NotFound
        outcome = "repeated" if again else "done"
        work.record(Entry(operation="area_offer.pass", object_type=CARD, object_id=offer_id, outcome=outcome))
        return Outcome(value={"id": offer_id, "state": "passed"})


def take(db: Database, call: Call, action: str) -> Outcome:
    """Take the referral behind a card, by acknowledging or accepting it; from now on its content is readable.

    Raises NotFound, and Conflict with `referral.taken` for everybody who comes later.
    """
    try:
        return _take(db, call, action)
    except Recalled as over:
        recall(db, over)
        return _take(db, call, action)


def _take(db: Database, call: Call, action: str) -> Outcome:
    operation = f"area_offer.{action}"
    with db.work(call) as work:
        done = work.claimed()
        if done is not None:
            work.record(Entry(operation=operation, object_type=OBJECT, object_id=done, outcome="repeated"))
            return found(work, done)
        caller = caller_of(work)
        taken = area.take(work, call.path["offer_id"])
        leg = legs.lock_leg(work, taken.leg_id, caller.org_id)
        open_case(work, leg, caller.org_id)
        own = legs.own_row(work, leg, caller.subject)
        shut = legal.shut_since(None, own["consent_until"], treating=False, today=work.now.date())
        check_open("referral.accept", shut)  # to acknowledge reads the personal part just as well
        edge = lifecycle.decide(action, true=leg.standing, seen=leg.standing, actor=RECEIVER)
        guard(work, Attempt(leg=leg, own=own, edge=edge, actor=RECEIVER, body=call.body, subject=caller.subject))
        close_cards(work, leg, taken_by=caller.org_id)
        walk(work, leg, own, edge, act_of(caller, RECEIVER, call.body))
        if leg.feedback_scope != "none":
            area.name_receiver(work, leg.id, leg.sender_id, caller.org_id)
        work.record(Entry(operation=operation, object_type=OBJECT, object_id=leg.id))
        return found(work, leg.id)
