"""Code lists of a referral (referrals.md sections 4 and 8)."""

from __future__ import annotations

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
END_REASONS = (
    "not_reached",
    "never_attended",
    "disengaged",
    "missed_too_many",
    "behaviour_in_group",
    "behaviour_outside",
    "conflict_with_member",
    "substance_use",
    "health",
    "safety_of_others",
    "moved",
    "returned_to_custody",
    "order_ended",
    "order_revoked_or_acquitted",
    "programme_cancelled",
    "need_met_elsewhere",
    "transferred",
    "person_stopped",
    "deceased",
    "other",
)
HOLD_REASONS = (
    "health",
    "custody",
    "travel_or_work",
    "proceedings",
    "waiting_document",
    "safety",
    "staff_absence",
    "other",
)
OUTCOMES = ("completed", "completed_partly", "need_met_early", "referred_on")
GOAL_LEVELS = ("achieved", "partly", "not", "not_worked_on")
CONCERN_OUTCOMES = ("taken_up", "passed_to_authority", "no_action")
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
