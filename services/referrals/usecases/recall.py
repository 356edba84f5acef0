"""What is over without anybody having said so: the auto-recall as every look and step finds it (T21)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from chassis.db import Work
from services.referrals.rules.clock_table import RECALL, RECALL_STEPS, RECALLED
from services.referrals.rules.clocks import expires_at
from services.referrals.rules.lifecycle import SYSTEM
from services.referrals.store import clocks as store
from services.referrals.store.legs import Leg
from services.referrals.usecases import clocks

if TYPE_CHECKING:
    from services.referrals.usecases.guards import Attempt


class Recalled(Exception):
    """The time for an answer is over: the referral has to be taken back first, then the request is looked at again."""

    def __init__(self, org_id: uuid.UUID, referral_id: uuid.UUID) -> None:
        """`org_id` is a party in whose context it can be taken back."""
        super().__init__()
        self.org_id = org_id
        self.referral_id = referral_id


def not_recalled(work: Work, attempt: Attempt) -> None:
    """A step after the recall finds the referral expired, whether or not somebody noticed before. Raises Recalled."""
    org = over_for(work, attempt.leg) if attempt.actor != SYSTEM else None
    if org is not None:
        raise Recalled(org, attempt.leg.id)


def not_recalled_row(work: Work, row: dict[str, Any]) -> None:
    """The same for a look at one's own row. Raises Recalled."""
    if row["state"] not in RECALLED:
        return
    at = expires_at(clocks.of_row(work, row).get(RECALL))
    if at is not None and at <= work.now:
        raise Recalled(row[f"{row['side']}_id"], row["id"])


def over_for(work: Work, leg: Leg) -> uuid.UUID | None:
    """In whose row the recall of a locked leg is over; None while an answer may still come.

    It is the receiver's row, and the sender's for what lies in an area's queue or was taken from there a moment ago.
    """
    if leg.state not in RECALLED:
        return None
    for org in (leg.receiver_id, leg.sender_id):
        steps = store.recall_steps(work, leg.id, org) if org is not None else ()
        if steps:
            return org if len(steps) == RECALL_STEPS and steps[-1] <= work.now else None
    return None
