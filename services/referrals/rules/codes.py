"""Code lists of a referral (referrals.md sections 4 and 8)."""

from __future__ import annotations

ROLES = ("used_violence", "experienced_violence", "both", "other")
URGENCIES = ("crisis", "urgent", "standard", "planned")
SAFE = ("yes", "no", "unknown")
INFORMED = ("yes", "no", "not_safe")
CHANNELS = ("phone", "email", "post")
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
DECLINE_REASONS = (
    "no_capacity",
    "service_suspended",
    "out_of_area",
    "age_outside",
    "language_unavailable",
    "not_target_group",
    "criteria_not_met",
    "excluded_condition",
    "not_suitable_after_assessment",
    "ongoing_proceedings",
    "recently_completed_same",
    "already_client",
    "conflict_of_interest",
    "risk_too_high_for_setting",
    "other_service_better",
    "wrong_recipient",
    "insufficient_information",
    "document_missing",
    "legal_basis_missing_or_invalid",
    "person_not_informed",
    "duplicate",
    "person_declined",
    "person_not_reachable",
    "need_met",
    "moved",
    "deceased",
    "other",
)
WITHDRAW_REASONS = (
    "mistaken",
    "duplicate",
    "wrong_recipient",
    "person_withdrew",
    "circumstances_changed",
    "order_ended",
    "placed_elsewhere",
    "no_answer",
    "consent_revoked",
    "other",
)
