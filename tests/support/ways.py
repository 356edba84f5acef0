"""How a referral comes to each state: the steps after it was sent, and who takes them."""

from __future__ import annotations

from services.referrals.rules.lifecycle import RECEIVER, SENDER

_TAKEN = ((RECEIVER, "accept"),)
_STARTED = (*_TAKEN, (RECEIVER, "start"))
WAYS: dict[str, tuple[tuple[str, str], ...]] = {
    "received": ((RECEIVER, "acknowledge"),),
    "info_requested": ((RECEIVER, "acknowledge"), (RECEIVER, "request_info")),
    "assessing": ((RECEIVER, "acknowledge"), (RECEIVER, "start_assessment")),
    "accepted": _TAKEN,
    "waitlisted": (*_TAKEN, (RECEIVER, "waitlist")),
    "in_progress": _STARTED,
    "on_hold": (*_STARTED, (RECEIVER, "hold")),
    "completed": (*_STARTED, (RECEIVER, "complete")),
    "ended": (*_STARTED, (RECEIVER, "end")),
    "declined": ((RECEIVER, "decline"),),
    "forwarded": ((RECEIVER, "forward"),),
    "withdrawn": ((SENDER, "withdraw"),),
    "entered_in_error": ((SENDER, "mark_error"),),
}
"""How a case comes to each state."""
