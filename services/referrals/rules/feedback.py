"""What the sender learns after he has sent: the feedback contract, by scope (referrals.md section 6)."""

from __future__ import annotations

from dataclasses import dataclass

from services.referrals.rules import reasons
from services.referrals.rules.lifecycle import CLOSED, FINAL, SENDER, Edge

NONE = "none"
RECEIVED_ONLY = "received_only"
SCOPES = (NONE, RECEIVED_ONLY, "attendance", "attendance_and_completion", "completion_and_goals", "full_report")

_ALWAYS = frozenset({"draft", "sent", "withdrawn", "entered_in_error"})  # his own acts, and what undoes all
_RECEIVED = _ALWAYS | {"received", "info_requested", "declined", "forwarded", "expired"}
_ATTENDANCE = _RECEIVED | {"accepted", "waitlisted", "in_progress"}

VISIBLE: dict[str, frozenset[str]] = {
    NONE: _ALWAYS,
    RECEIVED_ONLY: _RECEIVED,
    "attendance": _ATTENDANCE,
    "attendance_and_completion": _ATTENDANCE | {"completed", "ended"},
    "completion_and_goals": _RECEIVED | {"accepted", "completed", "ended"},
    "full_report": _ATTENDANCE | {"assessing", "on_hold", "completed", "ended"},
}
FIXING = frozenset({"accepted", "waitlisted", "in_progress"})
"""The first step into one of these fixes the scope."""

_DEFAULTS = {"child_rights_authority": "attendance", "health_centre": "completion_and_goals"}
_ORDERING = frozenset({"probation", "court", "prosecutor", "prison"})
_OWN_PAUSES = frozenset({"on_hold", "info_requested"})
"""States in which the sender may stand and that he has to be led out of again, whatever comes next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A step as the sender learns it: the state that his record shows from now on, and the event's verb."""

    state: str
    event: str


def default_scope(sender_type: str, *, ordered: bool) -> str:
    """The scope proposed at submit when the sender names none."""
    if ordered or sender_type in _ORDERING:
        return "attendance_and_completion"
    return _DEFAULTS.get(sender_type, RECEIVED_ONLY)


def scope_in_force(proposed: str, *, fixed: bool) -> str:
    """Until the receiver has fixed the scope, the sender sees `received_only` at most."""
    return proposed if fixed or proposed == NONE else RECEIVED_ONLY


def sender_sees(state: str, scope: str) -> bool:
    """Whether a state is one that the sender may know under the scope in force."""
    return state in VISIBLE[scope]


def told_to_sender(
    edge: Edge, target: str, *, scope: str, seen: str, before_pause: str | None, actor: str
) -> Told | None:
    """What the sender learns of a step into `target`; None when nothing is written for him.

    `seen` is what his record shows now, `before_pause` what it showed before a pause that he knows of. His own acts he
    always sees; a detour through states that he may not know leaves no trace; an end that he may not know is `closed`.
    """
    event = edge.event if target == edge.target else target
    if edge.name == "revoke_consent" and actor != SENDER:
        return None if scope == NONE else Told(state=CLOSED, event=CLOSED)
    if sender_sees(target, scope):
        moves = target != seen or actor == SENDER
        return Told(state=target, event=event) if moves else None
    if actor == SENDER:
        return Told(state=target if target == "on_hold" else before_pause or seen, event=event)
    if target in FINAL:
        return None if scope == NONE or seen == CLOSED else Told(state=CLOSED, event=CLOSED)
    if seen in _OWN_PAUSES and target not in _OWN_PAUSES and before_pause is not None:
        return Told(state=before_pause, event="resumed" if seen == "on_hold" else event)
    return None


def outward_reason(code: str | None) -> str | None:
    """The form of a reason code that leaves the receiver, on every door alike (referrals.md section 8)."""
    return reasons.outward(code)
