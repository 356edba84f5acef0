"""Who may say where an organisation hears of news, see what was sent, and let a person know that there is some."""

from __future__ import annotations

from chassis.policy import Row
from services.referrals.rules.lifecycle import FINAL, STATES

_OPEN = ("named", "assigned", "own_unit", "whole_side")
_ALL = (*_OPEN, "other_unit")
_KEEPERS = frozenset({"org_admin", "sender_lead", "receiver_lead"})
_SENDING = frozenset({"sender_worker", "sender_client"})
_RECEIVING = frozenset({"intake_worker", "receiver_worker", "recipient_client"})


def _on(side: str, standings: tuple[str, ...]) -> frozenset[str]:
    return frozenset(f"{side}.{each}" for each in standings)


RUNNING = frozenset(STATES) - FINAL - {"draft"}
"""While a referral runs the person may be let know of something; afterwards nobody writes to him about it."""

NOTIFICATION_OPERATIONS = {
    "notification.read": _KEEPERS,
    "notification.set": _KEEPERS,
    "notification.confirm": _KEEPERS,
}
"""No case is in them, so the role alone decides."""

MESSAGE_ROWS = (
    Row("referral.messages", _SENDING, relations=_on("sender", _OPEN)),
    Row("referral.messages", frozenset({"sender_lead"}), relations=_on("sender", _ALL)),
    Row("referral.messages", _RECEIVING, relations=_on("receiver", _OPEN)),
    Row("referral.messages", frozenset({"receiver_lead"}), relations=_on("receiver", _ALL)),
    # the one who holds the contact, and works with the person
    Row("referral.message", frozenset({"receiver_worker"}), relations=_on("receiver", _OPEN), states=RUNNING),
    Row("referral.message", frozenset({"receiver_lead"}), relations=_on("receiver", _ALL), states=RUNNING),
)
