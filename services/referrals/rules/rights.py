"""Which roles may do what (access-and-privacy.md section 3); code and tests read this one table."""

from __future__ import annotations

_SENDING = frozenset({"sender_worker", "sender_lead", "sender_client"})
_RECEIVING = frozenset({"intake_worker", "receiver_worker", "receiver_lead", "recipient_client"})

_COMPARING = {"sender": frozenset({"sender_lead"}), "receiver": frozenset({"intake_worker", "receiver_lead"})}

OPERATIONS: dict[str, frozenset[str]] = {
    "referral.create": _SENDING,
    "referral.read": _SENDING | _RECEIVING,
    "referral.history": _SENDING | _RECEIVING,
    "referral.duplicates": _COMPARING["sender"] | _COMPARING["receiver"],
    "referral.inbox": _RECEIVING,
    "referral.sent": _SENDING,
    "referral.acknowledge": _RECEIVING,
    "referral.accept": _RECEIVING,
    "referral.decline": _RECEIVING,
    "referral.withdraw": _SENDING,
}

_OF_SIDE = {"sender": _SENDING, "receiver": _RECEIVING}


def may_read(roles: frozenset[str], side: str) -> bool:
    """Whether one of these roles belongs to that side: who only sends does not read what his organisation receives."""
    return bool(roles & _OF_SIDE[side])


def may_compare(roles: frozenset[str], side: str) -> bool:
    """Whether one of these roles may ask for other records of the same person on that side."""
    return bool(roles & _COMPARING[side])
