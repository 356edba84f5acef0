"""Who may attach a file to a referral and who may read it: the rows of the table of rights for attachments."""

from __future__ import annotations

from chassis.policy import Row
from services.referrals.rules.lifecycle import RECEIVER, SENDER
from services.referrals.rules.partner_side import PARTNER_SAFETY

_STAFF = {
    SENDER: frozenset({"sender_worker", "sender_client"}),
    RECEIVER: frozenset({"intake_worker", "receiver_worker", "recipient_client"}),
}
_LEAD = {SENDER: frozenset({"sender_lead"}), RECEIVER: frozenset({"receiver_lead"})}
_OPEN = ("named", "assigned", "own_unit", "whole_side")
# whoever is named in the man's case or assigned to it is on his side
_PARTNERS = ("own_unit", "whole_side", "other_unit", "partner_side")
SIDES = (SENDER, RECEIVER)


def _on(side: str, *standings: str) -> frozenset[str]:
    return frozenset(f"{side}.{each}" for each in standings)


def _partners(operation: str) -> Row:
    """What those who look after the partner do: judgments alone, of every unit."""
    return Row(operation, frozenset({PARTNER_SAFETY}), relations=_on(SENDER, *_PARTNERS) | _on(RECEIVER, *_PARTNERS))


def _written(operation: str) -> tuple[Row, ...]:
    """What a side's own staff does in its cases, and leads over all units."""
    staff = (Row(operation, _STAFF[side], relations=_on(side, *_OPEN)) for side in SIDES)
    leads = (Row(operation, _LEAD[side], relations=_on(side, *_OPEN, "other_unit")) for side in SIDES)
    return (*staff, *leads)


def _read(operation: str) -> tuple[Row, ...]:
    """A look at what is attached: as at the case itself, and judgments by those who look after the partner."""
    others = (Row(operation, _STAFF[side], relations=_on(side, "other_unit"), reason=True) for side in SIDES)
    return (*_written(operation), *others, _partners(operation))


ATTACHMENT_RIGHTS = (
    *_written("referral.attach"),
    _partners("referral.attach"),
    *_written("referral.remove_attachment"),
    _partners("referral.remove_attachment"),
    *_read("referral.attachments"),
    *_read("referral.attachment"),
)
