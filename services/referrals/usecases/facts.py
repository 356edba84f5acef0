"""What both parties of a leg may know of it in an event."""

from __future__ import annotations

from uuid import UUID

from services.referrals.events import Facts
from services.referrals.rules.lifecycle import CHILD_CONCERN
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


def tells(kind: str, party: UUID, sender: UUID) -> bool:
    """Whether a party has events of it; of a child concern the sender has none, because all its systems read them."""
    return kind != CHILD_CONCERN or party != sender
