"""Wall time and its zone: from a local time to the moment it means, and series of meetings on local time (RFC 5545).

The truth of a meeting is what a clock on the wall shows; the moment in UTC follows from it and from the rules of the
zone. Adding seven days to a moment in UTC would be wrong twice a year (groups.md section 6).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from dateutil.rrule import WEEKLY, rrule


@dataclass(frozen=True, slots=True)
class Moment:
    """A local time without offset as it is kept, the moment it means, and whether a gap moved it forward."""

    local: dt.datetime
    at: dt.datetime
    shifted: bool


def moment(local: dt.datetime, tz: str) -> Moment:
    """What a local time means in a zone (an IANA name).

    A time that a change of the clock leaves out moves forward by the length of the gap; one that comes twice is the
    first of the two (fold 0). Raises ValueError for a local time that has an offset already.
    """
    if local.tzinfo is not None:
        raise ValueError("a wall time has no offset")
    zone = ZoneInfo(tz)
    at = local.replace(tzinfo=zone, fold=0).astimezone(dt.UTC)
    back = at.astimezone(zone).replace(tzinfo=None)
    return Moment(local=back, at=at, shifted=back != local)


def weekly(first: dt.datetime, weeks: int = 1) -> Iterator[dt.datetime]:
    """Local times from `first` on, every so many weeks, without end."""
    yield from rrule(WEEKLY, dtstart=first, interval=weeks)
