"""Which details of a step the other party reads too; whatever is not listed stays with who said it."""

from __future__ import annotations

from typing import Any

from services.referrals.rules.lifecycle import RECEIVER, SENDER

_TO_BOTH: dict[str, frozenset[str]] = {
    "request_info": frozenset({"question", "fields"}),
    "provide_info": frozenset({"answer"}),
    "hold": frozenset({"review_on"}),
    "close_concern": frozenset({"outcome"}),
}
_TO_SENDER: dict[str, frozenset[str]] = {
    "decline": frozenset({"suggested_service"}),
    "complete": frozenset({"ended_on", "outcome"}),
}
_ATTENDANCE = frozenset({"attendance", "attendance_and_completion", "full_report"})
_GOALS = frozenset({"completion_and_goals", "full_report"})


def told_details(action: str, details: dict[str, Any], *, actor: str, to: str, scope: str) -> dict[str, Any]:
    """What the party on side `to` reads of the details: all of its own, of the other's what the contract allows.

    The scope counts for what a sender learns of a completion (referrals.md section 6); never a place, group or worker.
    """
    if actor == to:
        return details
    allowed = _TO_BOTH.get(action, frozenset())
    if to == SENDER:
        allowed |= _TO_SENDER.get(action, frozenset())
        if action == "complete" and scope in _ATTENDANCE:
            allowed |= {"attendance"}
        if action == "complete" and scope in _GOALS:
            allowed |= {"goals"}
    elif actor not in {SENDER, RECEIVER}:
        return details  # what the system or the person did is the receiver's case as well
    return {name: value for name, value in details.items() if name in allowed}
