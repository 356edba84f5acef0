"""What lies with an organisation that was suspended: back in the senders' lists, each with a task that says so.

What nobody has worked on yet is taken back like a referral that nobody answered; what is under way, ordered or a crisis
stays where it is, and the sender decides (access-and-privacy.md section 8).
"""

from __future__ import annotations

import uuid

from chassis.audit import Entry
from chassis.db import Database
from services.referrals.rules.clock_table import RECALLED
from services.referrals.rules.lifecycle import ORDINARY, SENDER
from services.referrals.store import legs
from services.referrals.store import suspended as store
from services.referrals.store.legs import Leg
from services.referrals.usecases.entering import OBJECT
from services.referrals.usecases.moving import expire
from services.referrals.usecases.reminding import add

ACTOR = "referrals.suspended"
AT_ONCE = 100
KIND = "receiver_suspended"
CRISIS = "crisis"


def give_back(db: Database) -> int:
    """Give back what is with suspended organisations; a sweeper calls this. Returns how many senders were told."""
    with db.background(ACTOR) as work:
        found = store.legs_of_suspended(work, AT_ONCE)
    for sender, referral_id in found:
        _given_back(db, sender, referral_id)
    return len(found)


def _given_back(db: Database, sender: uuid.UUID, referral_id: uuid.UUID) -> None:
    with db.background(ACTOR, org=sender) as work:
        leg = legs.lock_leg(work, referral_id, sender)
        if not add(work, sender, leg.id, KIND, work.now, side=SENDER, since=leg.changed_at):
            return
        if _is_taken_back(leg):
            expire(work, leg)
        work.record(Entry(operation="referral.give_back", object_type=OBJECT, object_id=leg.id, purpose="suspension"))


def _is_taken_back(leg: Leg) -> bool:
    return leg.state in RECALLED and leg.kind == ORDINARY and not leg.ordered and leg.urgency != CRISIS
