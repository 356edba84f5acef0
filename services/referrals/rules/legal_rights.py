"""Rights over legal bases, child concerns and the restricted part: the rows of the table for these."""

from __future__ import annotations

from chassis.policy import Row
from services.referrals.rules.lifecycle import RECEIVER, SENDER
from services.referrals.rules.partner_side import PARTNER_SAFETY

OFFICER = frozenset({"dpo"})
CONCERN_LEAD = frozenset({"child_protection_lead"})
SENDING = frozenset({"sender_worker", "sender_client", "sender_lead"})
RECEIVING = frozenset({"intake_worker", "receiver_worker", "recipient_client", "receiver_lead"})
STAFF = SENDING | RECEIVING
_OPEN = ("named", "assigned", "own_unit", "whole_side")

_LINE = frozenset({"id", "side", "state", "urgency", "version", "sender", "receiver", "sent_at", "changed_at"})
CONCERN = _LINE | {
    "service", "kind", "reason_code", "allowed_actions", "person", "role", "contact", "contact_via", "needs", "reason",
    "ordered", "order_reference", "person_informed", "feedback_scope", "external_ref", "legal_basis", "personal_closed",
    "episode_id", "parent_id", "service_stale",
}  # fmt: skip
"""What the author and the lead see of a concern that their organisation raised."""


def _on(*standings: str) -> frozenset[str]:
    return frozenset(f"{side}.{each}" for side in (SENDER, RECEIVER) for each in standings)


_AUTHOR = frozenset({"sender.author"})
_READERS = frozenset({"sender.author", "sender.concern"})


def _restricted(operation: str) -> tuple[Row, ...]:
    """Partner safety alone; the man's side passes the door only to be told what it is told of anything unknown."""
    return (
        Row(operation, frozenset({PARTNER_SAFETY}), relations=_on(*_OPEN, "other_unit", "partner_side")),
        Row(operation, STAFF, relations=frozenset(), shows=frozenset()),
    )


LEGAL_RIGHTS = (
    Row("legal_template.list", STAFF | OFFICER),
    Row("legal_template.approve", OFFICER),
    Row("legal_template.replace", OFFICER),
    Row("legal_template.standard", OFFICER),
    # A concern has its author, the named lead, and the authority, which reads it like any referral that it received.
    Row("referral.read", STAFF, relations=_AUTHOR, shows=CONCERN),
    Row("referral.read", CONCERN_LEAD, relations=_READERS, shows=CONCERN),
    Row("referral.history", STAFF, relations=_AUTHOR),
    Row("referral.history", CONCERN_LEAD, relations=_READERS),
    *(
        Row(f"referral.{action}", SENDING, relations=_AUTHOR, states=frozenset({"draft"}), shows=CONCERN)
        for action in ("edit", "submit", "discard")
    ),
    Row("referral.concerns", STAFF | CONCERN_LEAD, shows=_LINE),
    Row("referral.raise_safeguarding", STAFF, relations=_on(*_OPEN), shows=CONCERN),
    *_restricted("restricted.read"),
    *_restricted("restricted.write"),
)
