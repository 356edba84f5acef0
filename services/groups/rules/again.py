"""Who may queue once more by the card that he has, where, and with which age (groups.md sections 3, 5)."""

from __future__ import annotations

import datetime as dt
import uuid

from chassis.errors import Conflict

DAYS = dt.timedelta(days=14)
TO_THE_TAIL = "lapsed"
TO_THE_SUCCESSOR = frozenset({"declined", "closed"})
TAKES = frozenset({"open", "running"})


def check(state: str, *, changed_at: dt.datetime, successor_id: uuid.UUID | None, now: dt.datetime) -> uuid.UUID | None:
    """The group that he goes into: None for the same one, at the tail; else the successor, where he keeps his age.

    Raises Conflict where nothing leads on from here.
    """
    if state == TO_THE_TAIL:
        if changed_at + DAYS <= now:
            message = "The fourteen days in which one press was enough are over; sign up anew."
            raise Conflict("signup.too_late", message, allowed=())
        return None
    if state in TO_THE_SUCCESSOR and successor_id is not None:
        return successor_id
    message = f"There is no next group to queue for; the sign-up is {state}."
    raise Conflict("signup.not_possible", message, allowed=())
