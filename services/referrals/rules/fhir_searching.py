"""Search parameters of FHIR R4 as conditions on our rows: prefixed dates, references by key, id or identifier."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from chassis.errors import Malformed

_MOMENT = re.compile(
    r"(eq|ge|gt|le|lt)?([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2}))?)?)?"
).fullmatch
_EXPECTED = "Give eq, ge, gt, le or lt (or nothing) and a date, or a time with its zone: ge2026-11-01."


@dataclass(frozen=True, slots=True)
class Bounds:
    """A half-open stretch of time; None where it has no end."""

    since: dt.datetime | None = None
    until: dt.datetime | None = None


def bounds(text: str) -> Bounds:
    """The stretch that a prefixed date stands for: a day is all of it. Raises Malformed."""
    match = _MOMENT(text)
    if match is None:
        raise Malformed("query.moment", _EXPECTED)
    try:
        start, end = _stretch(match)
    except (ValueError, OverflowError) as error:
        raise Malformed("query.moment", _EXPECTED) from error
    return {
        "eq": Bounds(start, end),
        "ge": Bounds(start, None),
        "gt": Bounds(end, None),
        "le": Bounds(None, end),
        "lt": Bounds(None, start),
    }[match[1] or "eq"]


def both(texts: Iterable[str]) -> Bounds:
    """What lies in each of the stretches."""
    found = [bounds(text) for text in texts]
    since = [each.since for each in found if each.since is not None]
    until = [each.until for each in found if each.until is not None]
    return Bounds(max(since, default=None), min(until, default=None))


def party(reference: str | None, identifier: str | None) -> str | None:
    """The key or id of `Organization/lt-police`, `lt-police` or the token `urn:tukiverkko:organisation|lt-police`."""
    if reference is not None:
        return reference.rpartition("/")[2]
    return None if identifier is None else identifier.rpartition("|")[2].removeprefix("urn:uuid:")


def address(base: str, kind: str, pairs: Iterable[tuple[str, object]]) -> str:
    """The address of a search with these parameters."""
    query = urlencode([(name, str(value)) for name, value in pairs if value is not None])
    return f"{base}/{kind}?{query}" if query else f"{base}/{kind}"


def _stretch(match: re.Match[str]) -> tuple[dt.datetime, dt.datetime]:
    year, month, day, time = match[2], match[3], match[4], match[5]
    if time:
        start = dt.datetime.fromisoformat(f"{year}-{month}-{day}{time}").astimezone(dt.UTC)
        return start, start + dt.timedelta(microseconds=1 if "." in time else 1_000_000)
    start = dt.datetime(int(year), int(month or 1), int(day or 1), tzinfo=dt.UTC)
    if day:
        return start, start + dt.timedelta(days=1)
    if month:
        return start, (start + dt.timedelta(days=31)).replace(day=1)
    return start, start.replace(year=start.year + 1)
