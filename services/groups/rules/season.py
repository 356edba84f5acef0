"""A group over its season: when it may start and finish, what it may change, what a merge asks for (groups.md 5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from chassis.errors import Conflict, FieldError, Invalid

GO_NO_GO = dt.timedelta(days=7)
CHOICES = ("run", "postpone", "merge", "cancel")
CANCEL_REASONS = ("too_few", "leader_unavailable", "place_unavailable", "funding", "other")
TAKES_A_QUEUE = frozenset({"draft", "open"})
"""States in which a group takes over another one's queue."""
HOUR_OF_TELLING = 4
"""UTC hour at which a changed "takes sign-ups" is told, at most daily: nobody can follow a seat by it."""


def choice_due(*, state: str, held: int, min_to_start: int, starts_at: dt.datetime | None, now: dt.datetime) -> bool:
    """Whether a coordinator must choose: so few hold a seat a week before the start."""
    near = starts_at is not None and starts_at - GO_NO_GO <= now
    return state == "open" and near and held < min_to_start


def check_start(*, held: int, min_to_start: int, with_few: bool) -> None:
    """Raise Conflict when fewer men than planned hold a seat and nobody said to run all the same."""
    if held < min_to_start and not with_few:
        message = f"{held} hold a seat, {min_to_start} are planned. Run all the same, postpone, merge or cancel."
        raise Conflict("group.too_few", message, allowed=CHOICES)


def check_postponed(state: str) -> None:
    """Raise Conflict where a group has begun already, or has not opened yet."""
    if state != "open":
        message = f"Only an open group is postponed; this one is {state}."
        raise Conflict("group.not_possible", message, allowed=())


def check_finish(*, sessions: Mapping[str, int], active: int) -> None:
    """Raise Conflict naming what is not settled: meetings that are not closed, men about whom nothing is decided."""
    unsettled = sum(sessions.get(state, 0) for state in ("planned", "moved", "held"))
    missing = [
        *((f"{unsettled} sessions are neither closed nor cancelled",) if unsettled else ()),
        *((f"{active} men are in the group: complete, withdraw or remove each",) if active else ()),
    ]
    if missing:
        raise Conflict("group.not_settled", f"Before it is finished: {'; '.join(missing)}.", allowed=())


def check_cancel(*, active: int) -> None:
    """Raise Conflict when men are in the group who would be left without a decision."""
    if active:
        message = f"{active} men have been in the group: complete, withdraw or remove each first."
        raise Conflict("group.not_settled", message, allowed=())


def check_lowering(*, capacity: int, held: int) -> None:
    """Raise Conflict when fewer seats are wanted than are held (rule 10)."""
    if capacity < held:
        message = f"{held} seats are held; the capacity cannot be lower."
        raise Conflict("group.seats_held", message, allowed=())


def check_takes_queue(*, state: str, same_programme: bool, same_group: bool) -> None:
    """Raise Invalid when a group cannot take over another one's queue."""
    if same_group or not same_programme or state not in TAKES_A_QUEUE:
        detail = "Another group of the same programme is expected, that is a draft or open."
        raise Invalid("group.no_successor", detail, fields=(FieldError("/group_id", "unknown", detail),))
