"""What follows from a transition in the same transaction, besides its row and its event: one line each."""

from __future__ import annotations

from collections.abc import Callable

from chassis.db import Work
from services.groups.usecases import apart_seats, counting, notifying, placing, sessions
from services.groups.usecases.acts import GroupMoved, Moved

CONSEQUENCES: tuple[Callable[[Work, Moved], None], ...] = (
    placing.tell_referrals,
    apart_seats.leave_with_the_seat,
    counting.count_step,
    notifying.let_hear,
)
"""After every transition of a sign-up, the first one included."""
GROUP_CONSEQUENCES: tuple[Callable[[Work, GroupMoved], None], ...] = (
    sessions.make_with_the_opening,
    sessions.cancel_with_the_group,
    counting.count_start,
)
"""After every transition of a group."""


def follow(work: Work, moved: Moved) -> None:
    """Let everything follow from a sign-up's transition."""
    for each in CONSEQUENCES:
        each(work, moved)


def follow_group(work: Work, moved: GroupMoved) -> None:
    """Let everything follow from a group's transition."""
    for each in GROUP_CONSEQUENCES:
        each(work, moved)
