"""Code lists of a referral (referrals.md section 4); those of section 8 are dated, in reason_codes.json."""

from __future__ import annotations

from services.referrals.rules import reasons

ROLES = ("used_violence", "experienced_violence", "both", "other")
URGENCIES = ("crisis", "urgent", "standard", "planned")
SAFE = ("yes", "no", "unknown")
INFORMED = ("yes", "no", "not_safe")
GENDERS = ("male", "female", "other", "unknown")
CHANNELS = ("phone", "email", "post")
MOST_CHANNELS = 5
MOST_SAFE_TIMES = 21
CONTACT_VIA = ("referrer", "lawyer", "probation_officer")
NEEDS = (
    "violence_own_use",
    "violence_experienced",
    "divorce_contact",
    "crisis_suicidal",
    "substance",
    "loss",
    "release_from_custody",
    "fatherhood",
    "integration",
    "family_member",
    "other",
)
DECLINE_REASONS = reasons.known("decline")
FORWARD_REASONS = reasons.known("forward")
WITHDRAW_REASONS = reasons.known("withdraw")
END_REASONS = reasons.known("end")
HOLD_REASONS = reasons.known("hold")
OUTCOMES = reasons.known("outcome")
GOAL_LEVELS = reasons.known("goal_level")
ATTEMPT_OUTCOMES = reasons.known("attempt")
ATTENDANCES = reasons.known("attendance")
DROP_OUTS = reasons.known("drop_out")
CONCERN_OUTCOMES = reasons.known("concern_outcome")
STARTS = ("first_session", "handed_to_peer_group")
REPORTERS = ("person", "sender", "receiver", "somebody_else")
ASKED_FIELDS = (
    "person",
    "role",
    "contact",
    "contact_via",
    "needs",
    "reason",
    "urgency",
    "ordered",
    "order_reference",
    "person_informed",
    "legal_basis",
    "attachment",
    "other",
)
"""What a receiver may ask the sender about (T05)."""
