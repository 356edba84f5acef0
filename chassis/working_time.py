"""Working days of the eight countries, each in its own time zone: pure functions, with the moment as an argument.

"n working days" ends at 18:00 local time of the n-th working day after the local day on which it starts. So what starts
on a Monday, at 09:00 or at 23:00, with one working day ends on Tuesday at 18:00; what starts on a Friday evening, a
Saturday or a Sunday ends on Monday at 18:00. The day of the start never counts, whether it is a working day or not:
that is the "at the latest on the next working day" of the Lithuanian rule, with an office's end of day in place of
midnight, so that a deadline never runs out while nobody is there to keep it.

A working day is Monday to Friday without the public holidays of the country (PyPI `holidays`) and without the days on
which its offices are shut by general custom: the eves in Sweden, Constitution Day, 1 May and the eves in Denmark, the
half days of Iceland. Saturdays are never working days, also where a government moves one (Latvia).

One zone per country: Faroe Islands, Greenland and Svalbard follow the mainland here. A country that is not known here
has weekends alone, in UTC: its deadlines come early rather than late.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays
from holidays.constants import DE_FACTO, HALF_DAY, OPTIONAL, PUBLIC

COUNTRIES: dict[str, str] = {
    "LT": "Europe/Vilnius",
    "LV": "Europe/Riga",
    "EE": "Europe/Tallinn",
    "FI": "Europe/Helsinki",
    "SE": "Europe/Stockholm",
    "NO": "Europe/Oslo",
    "DK": "Europe/Copenhagen",
    "IS": "Atlantic/Reykjavik",
}
CUSTOM = {"SE": DE_FACTO, "DK": OPTIONAL, "IS": HALF_DAY}
"""The library's category of days that are no public holidays, and on which offices are shut all the same."""

OPENS = dt.time(8)
CLOSES = dt.time(18)
SATURDAY = 5
DAY = dt.timedelta(days=1)


def zone_of(country: str | None) -> ZoneInfo:
    """The time zone of a country; UTC for one that is not known here."""
    return ZoneInfo(COUNTRIES.get(country or "", "UTC"))


def is_working_day(day: dt.date, country: str | None) -> bool:
    """Whether offices of the country are open on this day."""
    return day.weekday() < SATURDAY and day not in _days_off(country, day.year)


def is_holiday(day: dt.date, country: str | None) -> bool:
    """Whether it is a public holiday of the country, or a day on which its offices are shut by custom."""
    return day in _days_off(country, day.year)


def working_day_from(day: dt.date, country: str | None) -> dt.date:
    """The day itself when it is a working day, else the next one that is."""
    while not is_working_day(day, country):
        day += DAY
    return day


def end_of(day: dt.date, country: str | None, *, zone: ZoneInfo | None = None) -> dt.datetime:
    """18:00 of this day or, when it is no working day, of the next one that is."""
    return _at(working_day_from(day, country), CLOSES, zone or zone_of(country))


def add_working_days(start: dt.datetime, days: int, country: str | None) -> dt.datetime:
    """The end of so many working days, as the head of this module says."""
    day = _local(start, zone_of(country)).date()
    for _ in range(days):
        day = working_day_from(day + DAY, country)
    return end_of(day, country)


def add_days(start: dt.datetime, days: int, country: str | None) -> dt.datetime:
    """The end of so many calendar days: 18:00 of that local day or, when it is no working day, of the next that is."""
    return end_of(_local(start, zone_of(country)).date() + days * DAY, country)


def end_not_before(moment: dt.datetime, country: str | None, *, zone: ZoneInfo | None = None) -> dt.datetime:
    """The first end of a working day, 18:00, that is not before the moment; `zone` is for who lives by another one."""
    zone = zone or zone_of(country)
    local = _local(moment, zone)
    day = local.date() if local.time() <= CLOSES else local.date() + DAY
    return end_of(day, country, zone=zone)


def next_working_moment(moment: dt.datetime, country: str | None, *, zone: ZoneInfo | None = None) -> dt.datetime:
    """The moment itself when it lies between 08:00 and 18:00 of a working day, else the next 08:00 of one."""
    zone = zone or zone_of(country)
    local = _local(moment, zone)
    if not is_working_day(local.date(), country) or local.time() >= CLOSES:
        return _at(working_day_from(local.date() + DAY, country), OPENS, zone)
    return max(moment.astimezone(dt.UTC), _at(local.date(), OPENS, zone))


def _local(moment: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment without an offset has no local day")
    return moment.astimezone(zone)


def _at(day: dt.date, time: dt.time, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day, time, tzinfo=zone).astimezone(dt.UTC)


@lru_cache(maxsize=256)
def _days_off(country: str | None, year: int) -> frozenset[dt.date]:
    if country not in COUNTRIES:
        return frozenset()
    categories = (PUBLIC, CUSTOM[country]) if country in CUSTOM else (PUBLIC,)
    return frozenset(holidays.country_holidays(country, years=year, categories=categories))
