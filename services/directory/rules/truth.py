"""How long what the directory says is believed, and what a person reads of an entry to say whether it is still right.

Source: directory.md section 5.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

ASK_AGAIN = dt.timedelta(days=14)
LINK_LIFE = dt.timedelta(days=30)
STALE_AFTER = dt.timedelta(days=365)
"""An entry that nobody confirmed or changed for so long is stale: it ranks last and warns whoever refers there."""
REPORT_KEPT = dt.timedelta(days=30)
"""What somebody wrote in a report stays so long after it was dealt with."""
MOST_OPEN = 50
"""Reports about one organisation that are open at a time; it knows by then."""

_PLAIN = ("email", "website", "url", "seat", "about")
_LISTS = ("languages", "coverage")
CORRECT, WRONG = "correct", "wrong"
ANYBODY, INSTITUTION, ORGANISATION = "anybody", "institution", "organisation"
OPEN, MENDED, RIGHT, USELESS = "open", "mended", "right", "useless"
REPORT_STATES = (OPEN, MENDED, RIGHT, USELESS)


def lines(row: dict[str, Any]) -> Iterator[str]:
    """What an entry says of how somebody is reached, one line each, in words of no language."""
    yield from (_joined(phone, "number", "extension", "about") for phone in row.get("phones") or [])
    yield from map(_contact, row.get("contacts") or [])
    yield from (str(row[name]) for name in _PLAIN if row.get(name))
    yield from map(_hours, row.get("schedules") or [])
    yield from (", ".join(row[name]) for name in _LISTS if row.get(name))


def _joined(given: dict[str, Any], *names: str) -> str:
    return " · ".join(str(given[name]) for name in names if given.get(name))


def _contact(contact: dict[str, Any]) -> str:
    numbers = [phone["number"] for phone in contact.get("phones") or []]
    return " · ".join([_joined(contact, "title", "email"), *numbers])


def _hours(hours: dict[str, Any]) -> str:
    times = " - ".join(hours[name] for name in ("opens", "closes") if hours.get(name))
    said = "x" if hours.get("closed") else times
    return " ".join(filter(None, [", ".join(hours["days"]), said, hours.get("about")]))
