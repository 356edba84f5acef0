"""What must not have existed: the sender alone says so before receipt, later the officers of both parties (T25)."""

from __future__ import annotations

from chassis.db import Work
from chassis.errors import Conflict
from chassis.identity import Caller
from services.referrals.rules.lifecycle import DPO, SENDER
from services.referrals.store import legs
from services.referrals.store.legs import Leg


def actor_of(caller: Caller, action: str, leg: Leg) -> str:
    """As whom the caller acts: his side, or as data-protection officer where the correction needs one."""
    if action != "mark_error" or "dpo" not in caller.roles:
        return leg.side
    return SENDER if leg.side == SENDER and leg.state == "sent" else DPO


def agreed(work: Work, leg: Leg, caller: Caller) -> bool:
    """Whether the other party's officer proposed the same before; else the proposal is kept.

    Raises Conflict where it was this organisation's own.
    """
    if leg.error_proposed_by is None:
        legs.propose_error(work, leg)
        return False
    if leg.error_proposed_by == caller.org_id:
        message = "Your organisation proposed it already; the other party's data-protection officer carries it out."
        raise Conflict("referral.other_officer_needed", message)
    return True
