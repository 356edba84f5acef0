"""Whether a service is open at a moment, and when it opens next: local time, public holidays, closed days, nights.

Source: directory.md section 2 (open now, cover hours by line, next open line); holidays of chassis.working_time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from chassis import working_time
from services.directory.rules.codes import WEEKDAYS

LOOK_AHEAD_DAYS = 15
DAY = dt.timedelta(days=1)
MIDNIGHT = "24:00"


class Hours(NamedTuple):
    """Whether it is open now (None: nobody said its hours), until when, and when it opens next."""

    now: bool | None = None
    until: dt.datetime | None = None
    opens: dt.datetime | None = None


NOT_SAID = Hours()


def hours(schedules: Sequence[Mapping[str, Any]], country: str | None, moment: dt.datetime) -> Hours:
    """The hours of a service at a moment; times of the answer are in the local zone of its country."""
    if not any("opens" in each and not each.get("closed") for each in schedules):
        return NOT_SAID
    zone = working_time.zone_of(country)
    local = moment.astimezone(zone)
    spans = sorted(_spans(schedules, country, local.date(), zone))
    running = [span for span in spans if span[0] <= local < span[1]]
    if running:
        return Hours(now=True, until=max(end for _, end in running))
    return Hours(now=False, opens=next((begin for begin, _ in spans if begin > local), None))


def is_open(schedules: Sequence[Mapping[str, Any]], country: str | None, moment: dt.datetime) -> bool:
    """Whether it is open at a moment, without asking when next."""
    zone = working_time.zone_of(country)
    local = moment.astimezone(zone)
    return any(begin <= local < end for begin, end in _spans(schedules, country, local.date(), zone, days=1))


def _spans(
    schedules: Sequence[Mapping[str, Any]],
    country: str | None,
    today: dt.date,
    zone: dt.tzinfo,
    *,
    days: int = LOOK_AHEAD_DAYS,
) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    for ahead in range(-1, days):
        day = today + ahead * DAY
        if any(each.get("closed") and _on(each, day) for each in schedules):
            continue
        holiday = working_time.is_holiday(day, country)
        for each in schedules:
            if "opens" in each and _on(each, day) and not each.get("closed"):
                if holiday and not each.get("on_holidays"):
                    continue
                yield _span(each, day, zone)


def _span(each: Mapping[str, Any], day: dt.date, zone: dt.tzinfo) -> tuple[dt.datetime, dt.datetime]:
    opens, closes = each["opens"], each.get("closes", MIDNIGHT)
    begin = dt.datetime.combine(day, _clock(opens), zone)
    over = closes == MIDNIGHT or closes <= opens
    return begin, dt.datetime.combine(day + (DAY if over else DAY * 0), _clock(closes), zone)


def _clock(text: str) -> dt.time:
    return dt.time() if text == MIDNIGHT else dt.time.fromisoformat(text)


def _on(each: Mapping[str, Any], day: dt.date) -> bool:
    written = day.isoformat()
    if written < each.get("from", "") or written > each.get("to", "9"):
        return False
    return WEEKDAYS[day.weekday()] in each["days"] or (bool(each.get("closed")) and not each["days"])
