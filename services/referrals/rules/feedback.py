"""What the sender learns after he has sent: the feedback contract, by scope (referrals.md section 6)."""

from __future__ import annotations

RECEIVED_ONLY = "received_only"
SCOPES = ("none", RECEIVED_ONLY, "attendance", "attendance_and_completion", "completion_and_goals", "full_report")

_ALWAYS = frozenset({"sent", "withdrawn"})  # his own acts
_RECEIVED = _ALWAYS | {"received", "info_requested", "declined", "forwarded", "expired"}
_ATTENDANCE = _RECEIVED | {"accepted", "waitlisted", "in_progress"}

VISIBLE: dict[str, frozenset[str]] = {
    "none": _ALWAYS,
    RECEIVED_ONLY: _RECEIVED,
    "attendance": _ATTENDANCE,
    "attendance_and_completion": _ATTENDANCE | {"completed", "ended"},
    "completion_and_goals": _RECEIVED | {"accepted", "completed", "ended"},
    "full_report": _ATTENDANCE | {"assessing", "on_hold", "completed", "ended"},
}

_DEFAULTS = {"child_rights_authority": "attendance", "health_centre": "completion_and_goals"}
_ORDERING = frozenset({"probation", "court", "prosecutor", "prison"})

# Told outside the receiver as one code, on every door alike (referrals.md section 8).
OUTWARD = "not_possible_here"
_HIDDEN_REASONS = frozenset(
    {
        "conflict_of_interest",
        "already_client",
        "recently_completed_same",
        "excluded_condition",
        "risk_too_high_for_setting",
        "not_suitable_after_assessment",
        "consent_revoked",
    }
)


def default_scope(sender_type: str, *, ordered: bool) -> str:
    """The scope proposed at submit when the sender names none."""
    if ordered or sender_type in _ORDERING:
        return "attendance_and_completion"
    return _DEFAULTS.get(sender_type, RECEIVED_ONLY)


def scope_in_force(proposed: str, *, fixed: bool) -> str:
    """Until the receiver has fixed the scope, the sender sees `received_only` at most."""
    return proposed if fixed or proposed == "none" else RECEIVED_ONLY


def sender_sees(state: str, scope: str) -> bool:
    """Whether the step into a state is told to the sender under the scope in force."""
    return state in VISIBLE[scope]


def outward_reason(code: str | None) -> str | None:
    """The form of a reason code that leaves the receiver."""
    return OUTWARD if code in _HIDDEN_REASONS else code
