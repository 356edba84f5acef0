"""Sign-ups that were made of a referral: what groups tells of them moves it, or gives a worker a task."""

from __future__ import annotations

import datetime as dt
import uuid

from chassis import working_time
from chassis.audit import Entry
from chassis.db import Work
from chassis.envelope import Received
from chassis.errors import NotFound
from services.referrals.rules import lifecycle
from services.referrals.rules import placing as rules
from services.referrals.rules.lifecycle import SYSTEM
from services.referrals.store import clocks as clock_store
from services.referrals.store import legs, placements
from services.referrals.store.legs import Leg
from services.referrals.usecases.acts import Act
from services.referrals.usecases.clocks import facts_of
from services.referrals.usecases.entering import OBJECT
from services.referrals.usecases.moving import take
from services.referrals.usecases.reminding import add


def hear(work: Work, received: Received) -> None:
    """Keep how a sign-up stands, and let follow from it what follows for the referral.

    A referral that the organisation has no more, or that stands where the step does not lead from, stays as it is.
    """
    data = received.data
    org, referral_id = uuid.UUID(data["organisation_id"]), uuid.UUID(data["referral_id"])
    with work.acting_for(org):
        try:
            leg = legs.lock_leg(work, referral_id, org)
        except NotFound:
            return
        placements.keep(work, data)
        action = rules.step_for(data["state"], leg.state)
        if action is not None:
            _take(work, leg, action, day=dt.date.fromisoformat(data["date"]))
        elif data["state"] in rules.TASKS and received.type != "placement.reported":
            _ask(work, leg, rules.TASKS[data["state"]])
        work.record(Entry(operation="referral.placed", object_type=OBJECT, object_id=leg.id, purpose="case_work"))


def _take(work: Work, leg: Leg, action: str, *, day: dt.date) -> None:
    edge = lifecycle.decide(action, true=leg.standing, seen=leg.standing, actor=SYSTEM)
    take(work, leg, edge, Act(actor=SYSTEM, details=rules.details_of(action, day=day)))


def _ask(work: Work, leg: Leg, kind: str) -> None:
    if leg.receiver_id is None or leg.state in lifecycle.FINAL:
        return
    party = clock_store.party(work, leg, leg.receiver_id)
    country = facts_of(work, leg, not_before=party.not_before).countries.get(lifecycle.RECEIVER)
    due_at = working_time.add_working_days(work.now, rules.TASK_DAYS, country)
    add(work, leg.receiver_id, leg.id, kind, due_at)
