"""What both parties of a leg may know of it in an event."""

from __future__ import annotations

from services.referrals.events import Facts
from services.referrals.store.legs import Leg
from services.referrals.store.opening import Opened


def facts_of(leg: Leg | Opened) -> Facts:
    """Ids and codes of the leg."""
    return Facts(
        referral_id=leg.id,
        kind=leg.kind,
        sender_id=leg.sender_id,
        receiver_id=leg.receiver_id,
        service_id=leg.service_id,
        urgency=leg.urgency,
    )
