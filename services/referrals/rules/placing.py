"""What a sign-up to a group does with the referral that it was made of (referrals.md section 1)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from services.referrals.rules.lifecycle import LIFECYCLE, SYSTEM

STEPS: dict[str, tuple[str, ...]] = {
    "waiting": ("waitlist",),
    "intake": ("offer_place",),
    "confirmed": ("offer_place",),
    "active": ("start",),
}
"""State of the sign-up → what the system does for the receiver."""
ENDED = frozenset({"declined", "lapsed", "redirected", "removed", "withdrawn", "closed"})
TASKS = {**dict.fromkeys(ENDED, "signup_ended"), "completed": "signup_completed"}
"""State of the sign-up → the task that a worker gets; nothing is decided for him."""
TASK_DAYS = 5
REVIEW = dt.timedelta(days=28)
COUNTS = ("held", "attended", "excused", "absent")


def step_for(sign_up: str, referral: str) -> str | None:
    """The transition that the system takes, None where the referral stands there already or elsewhere."""
    for action in STEPS.get(sign_up, ()):
        if any(edge.name == action and edge.source == referral and SYSTEM in edge.actors for edge in LIFECYCLE):
            return action
    return None


def details_of(action: str, *, day: dt.date) -> dict[str, Any]:
    """What the transition says: no place is named, it stays with the group."""
    if action == "waitlist":
        return {"expected_on": None, "review_on": (day + REVIEW).isoformat()}
    if action == "start":
        return {"started_on": day.isoformat(), "how": "first_session"}
    return {}
