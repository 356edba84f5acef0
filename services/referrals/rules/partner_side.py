"""The partner's side of a case: whoever may be on the man's side opens nothing of it (referrals.md section 10)."""

from __future__ import annotations

from chassis.errors import NotFound

PARTNER_SAFETY = "partner_safety"
MANS_SIDE = frozenset(
    {
        "sender_worker", "sender_lead", "sender_client", "intake_worker", "receiver_worker", "receiver_lead",
        "recipient_client", "group_leader", "group_coordinator", "helpline_worker", "network_coordinator", "subscriber",
        "child_protection_lead",
    }
)  # fmt: skip
"""Roles that read, move or carry the man's case. A member may have both; a token that opens the other side has none."""


def check_roles(roles: frozenset[str]) -> None:
    """Raises NotFound for a token that is not of partner safety, or is of the man's side as well."""
    if PARTNER_SAFETY not in roles or roles & MANS_SIDE:
        raise NotFound
