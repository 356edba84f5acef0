"""Until when a step can be taken back or a case opened again (referrals.md section 3, T23 and T24)."""

from __future__ import annotations

import datetime as dt

from chassis.errors import Conflict

REOPEN_WITHIN = dt.timedelta(days=30)
UNDO_WITHIN = dt.timedelta(hours=24)
DRAFT_KEPT = dt.timedelta(days=30)


def check_reopening(ended_at: dt.datetime, now: dt.datetime) -> None:
    """Raises Conflict when the case ended too long ago."""
    if now - ended_at > REOPEN_WITHIN:
        message = f"It ended more than {REOPEN_WITHIN.days} days ago; ask for a new referral."
        raise Conflict("referral.too_late", message)


def check_undoing(decided_at: dt.datetime, sender_acted_at: dt.datetime | None, now: dt.datetime) -> None:
    """Raises Conflict when the decision is older than a day or the sender has acted on it."""
    if now - decided_at > UNDO_WITHIN:
        raise Conflict("referral.too_late", "The decision is more than 24 hours old and stands.")
    if sender_acted_at is not None and sender_acted_at >= decided_at:
        raise Conflict("referral.sender_acted", "The sender has acted on the decision already; it stands.")
