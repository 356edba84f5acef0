"""Meetings of a group: the series that is proposed, and what may become of each (groups.md section 6)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from chassis.errors import Conflict, FieldError, Invalid
from chassis.wall_time import moment, weekly
from chassis.working_time import is_holiday

STATES = ("planned", "moved", "cancelled", "held", "closed")
AHEAD = frozenset({"planned", "moved"})
"""Not yet held; only these are moved or cancelled."""
EVER = frozenset({"held", "closed"})
MOST = 60
LONGEST_SERIES = 200  # weeks to look at before giving up
OPENS = dt.timedelta(minutes=30)
CLOSES = dt.timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Proposed:
    """One meeting of a proposed series; `skipped` where it would fall on a holiday, `shifted` out of a gap of DST."""

    local_start: dt.datetime
    starts_at: dt.datetime
    holiday: bool
    skipped: bool
    shifted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a group meets: the first day, the time on the wall, its zone, and how often."""

    start_on: dt.date
    local_start: dt.time
    tz: str
    sessions: int
    country: str | None


def propose(schedule: Schedule, *, keep: frozenset[dt.date] = frozenset()) -> list[Proposed]:
    """The weekly series: what falls on a holiday is skipped and made up for at the end, unless its day is in `keep`."""
    found: list[Proposed] = []
    wanted = schedule.sessions
    for each in _weeks(schedule, keep):
        if wanted == 0:
            break
        found.append(each)
        wanted -= not each.skipped
    return found


def check_ahead(state: str, action: str) -> None:
    """Raise Conflict when a meeting is over or does not take place any more."""
    if state not in AHEAD:
        message = f"To {action} is not possible; the session is {state}."
        raise Conflict("session.not_possible", message, allowed=())


def check_time(local: dt.datetime, tz: str, *, now: dt.datetime) -> None:
    """Raise Invalid for a time that is past."""
    if moment(local, tz).at <= now:
        detail = "A session can only be set to a time that is still to come."
        raise Invalid("session.past", detail, fields=(FieldError("/local_start", "range", detail),))


def check_room(number: int) -> None:
    """Raise Conflict when a group has as many meetings as it may have."""
    if number >= MOST:
        raise Conflict("session.too_many", f"A group has {MOST} sessions at most.", allowed=())


def _weeks(schedule: Schedule, keep: frozenset[dt.date]) -> Iterator[Proposed]:
    first = dt.datetime.combine(schedule.start_on, schedule.local_start)
    for _, local in zip(range(LONGEST_SERIES), weekly(first), strict=False):
        when = moment(local, schedule.tz)
        holiday = is_holiday(local.date(), schedule.country)
        skipped = holiday and local.date() not in keep
        yield Proposed(
            local_start=when.local, starts_at=when.at, holiday=holiday, skipped=skipped, shifted=when.shifted
        )
