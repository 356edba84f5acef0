"""How long what the directory says is believed, and what a person reads of an entry to say whether it is still right.

Source: directory.md section 5.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from babel import Locale

from services.directory.rules.codes import WEEKDAYS

ASK_AGAIN = dt.timedelta(days=14)
LINK_LIFE = dt.timedelta(days=30)
STALE_AFTER = dt.timedelta(days=365)
"""An entry that nobody confirmed or changed for so long is stale: it ranks last and warns whoever refers there."""
REPORT_KEPT = dt.timedelta(days=30)
"""What somebody wrote in a report stays so long after it was dealt with."""
MOST_OPEN = 50
"""Reports about one organisation that are open at a time; it knows by then."""

_PLAIN = ("email", "website", "url", "seat", "about")
GRADES = ((90, "A"), (180, "B"), (365, "C"))


def grade(verified_at: dt.datetime | None, now: dt.datetime) -> str:
    """How fresh an entry is: A to C by the age of its last confirmation in days, D when older or never confirmed."""
    age = None if verified_at is None else (now - verified_at).days
    return next((name for days, name in GRADES if age is not None and age < days), "D")


def fresh(verified_at: dt.datetime | None, now: dt.datetime) -> int:
    """The grade as a number, 3 for A: what ranks among services that fit and accept alike."""
    return "DCBA".index(grade(verified_at, now))


CORRECT, WRONG = "correct", "wrong"
ANYBODY, INSTITUTION, ORGANISATION = "anybody", "institution", "organisation"
OPEN, MENDED, RIGHT, USELESS = "open", "mended", "right", "useless"
REPORT_STATES = (OPEN, MENDED, RIGHT, USELESS)


def lines(row: dict[str, Any], language: str) -> Iterator[str]:
    """What an entry says of how somebody is reached, one line each; codes are named in the language."""
    spoken = Locale.parse(language)
    yield from (_joined(phone, "number", "extension", "about") for phone in row.get("phones") or [])
    yield from map(_contact, row.get("contacts") or [])
    yield from (str(row[name]) for name in _PLAIN if row.get(name))
    yield from (_hours(hours, spoken) for hours in row.get("schedules") or [])
    if row.get("languages"):
        yield ", ".join(spoken.languages.get(code, code) for code in row["languages"])
    if row.get("coverage"):
        yield ", ".join(_area(area, spoken) for area in row["coverage"])


def _joined(given: dict[str, Any], *names: str) -> str:
    return " · ".join(str(given[name]) for name in names if given.get(name))


def _contact(contact: dict[str, Any]) -> str:
    numbers = [phone["number"] for phone in contact.get("phones") or []]
    return " · ".join([_joined(contact, "title", "email"), *numbers])


def _hours(hours: dict[str, Any], spoken: Locale) -> str:
    names = spoken.days["format"]["abbreviated"]
    days = ", ".join(names[WEEKDAYS.index(day)] for day in hours["days"])
    times = " - ".join(hours[name] for name in ("opens", "closes") if hours.get(name))
    return " ".join(filter(None, [days, "x" if hours.get("closed") else times, hours.get("about")]))


def _area(area: str, spoken: Locale) -> str:
    country, _, place = area.partition(":")
    return place or spoken.territories.get(country, country)
