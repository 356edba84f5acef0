"""Who may lead a group and until when (groups.md sections 5, 7)."""

from __future__ import annotations

import datetime as dt

from chassis.errors import Conflict, FieldError, Invalid

SUBSTITUTE = "substitute"
WITHOUT = frozenset({"draft", "finished", "archived", "cancelled"})
"""States in which nobody has to lead."""


def check_until(role: str, until: dt.datetime | None, *, now: dt.datetime) -> None:
    """Raise Invalid for a substitute without an end, an end for somebody else, or one that is past."""
    if (role == SUBSTITUTE) != (until is not None):
        detail = "A substitute leads until a time, everybody else without an end."
    elif until is not None and until <= now:
        detail = "The end is still to come."
    else:
        return
    raise Invalid("group.leader_until", detail, fields=(FieldError("/until", "required", detail),))


def check_left(state: str, left: int) -> None:
    """Raise Conflict when nobody would lead a group that men are in; hand over first."""
    if not left and state not in WITHOUT:
        raise Conflict("group.leaderless", "Nobody would lead the group; assign somebody first.", allowed=())
