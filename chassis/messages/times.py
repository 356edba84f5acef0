"""When it is safe: whether a moment lies in one of the windows of a week, and the first later moment that does.

Windows are by the clock on the wall of their time zone, so an hour that does not exist on the day of the change holds
no safe moment, and an hour that comes twice holds two.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from chassis.messages.contact import Window

MINUTE = dt.timedelta(minutes=1)
SOON_MINUTES = 120
DAYS_AHEAD = 15
"""Two weeks: a window that the change of the clock swallows is looked for in the next one."""


def is_inside(moment: dt.datetime, windows: Iterable[Window]) -> bool:
    """Whether this moment lies in one of the windows."""
    return any(_holds(moment, window) for window in windows)


def next_inside(moment: dt.datetime, windows: Iterable[Window]) -> dt.datetime | None:
    """The first moment from this one on that lies in a window; None when there is none."""
    windows = tuple(windows)
    if is_inside(moment, windows):
        return moment
    if (soon := _soon(moment, windows)) is not None:
        return soon
    starts = (found for window in windows for found in _starts(moment, window))
    return min((found for found in starts if found is not None), default=None)


def _soon(moment: dt.datetime, windows: tuple[Window, ...]) -> dt.datetime | None:
    """Within two hours, minute by minute: a window may open again when the clock is put back inside it."""
    at = _next_minute(moment)
    ahead = (at + MINUTE * count for count in range(SOON_MINUTES))
    return next((each for each in ahead if is_inside(each, windows)), None)


def _starts(moment: dt.datetime, window: Window) -> Iterator[dt.datetime | None]:
    zone = ZoneInfo(window.zone)
    today = moment.astimezone(zone).date()
    for ahead in range(-1, DAYS_AHEAD):
        day = today + dt.timedelta(days=ahead)
        if day.isoweekday() == window.weekday:
            yield _first(moment, window, _both(day, window.start, zone))


def _both(day: dt.date, minute: int, zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
    """The moments that a clock on the wall may mean: one, but for the night in which it is changed."""
    wall = dt.datetime.combine(day, dt.time(minute // 60, minute % 60))
    meant = [wall.replace(tzinfo=zone, fold=fold).astimezone(dt.UTC) for fold in (0, 1)]
    return min(meant), max(meant)


def _first(moment: dt.datetime, window: Window, between: tuple[dt.datetime, dt.datetime]) -> dt.datetime | None:
    at = max(between[0], _next_minute(moment))
    while at <= between[1]:
        if _holds(at, window):
            return at
        at += MINUTE
    return None


def _next_minute(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(dt.UTC).replace(second=0, microsecond=0) + MINUTE


def _holds(moment: dt.datetime, window: Window) -> bool:
    local = moment.astimezone(ZoneInfo(window.zone))
    return local.isoweekday() == window.weekday and window.start <= local.hour * 60 + local.minute < window.end
