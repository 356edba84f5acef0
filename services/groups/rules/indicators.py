"""Indicators of programmes: what is counted, in which fixed periods, and which figures are too small (groups.md 10)."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from chassis.errors import FieldError, Invalid

SMALLEST = 5
OF_STEPS = {
    "sign_up": "signed_up",
    "activate": "reached",
    "complete": "completed",
    "withdraw": "left",
    "remove": "left",
    "redirect": "redirected",
    "lapse": "lapsed",
    "lapse_contact": "lapsed",
    "lapse_intake": "lapsed",
}
"""Which step of a sign-up is counted as what."""
OF_MEN = ("signed_up", "reached", "completed", "left", "redirected", "lapsed", "visits")
"""Figures that speak of men; a small one is not told."""
OF_GROUPS = ("groups_started", "places_planned", "meetings_held")
COLUMNS = ("key", *OF_GROUPS, *OF_MEN)
TOTAL = "total"

_PERIOD = re.compile(r"(\d{4})(?:-(?:H([12])|Q([1-4])|(0[1-9]|1[0-2])))?\Z")
_MONTHS = {"year": 12, "half": 6, "quarter": 3, "month": 1}


def months_of(period: str) -> tuple[dt.date, dt.date]:
    """First month and the one after the last of `2027`, `2027-H1`, `2027-Q2` or `2027-05`. Raises Invalid."""
    found = _PERIOD.match(period)
    if found is None:
        detail = "A period is a year, half, quarter or month: 2027, 2027-H1, 2027-Q2, 2027-05."
        raise Invalid("period.invalid", detail, fields=(FieldError("/period", "pattern", detail),))
    year, half, quarter, month = (int(each) if each else None for each in found.groups())
    kind = "half" if half else "quarter" if quarter else "month" if month else "year"
    number = half or quarter or month or 1
    first = (year or 0) * 12 + (number - 1) * _MONTHS[kind]
    return _month(first), _month(first + _MONTHS[kind])


def table(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The lines with a total; each row has `key`, `metric`, `amount`.

    A figure of men below five is not told; where it is the only one of its column, the next smallest goes with it, or
    it could be found by subtraction. Totals are made of figures that were rounded to five before.
    """
    lines: dict[str, dict[str, Any]] = {}
    for row in rows:
        lines.setdefault(row["key"], dict.fromkeys(COLUMNS[1:], 0))[row["metric"]] += row["amount"]
    total = {name: sum(_rounded(line[name]) for line in lines.values()) for name in OF_MEN}
    total |= {name: sum(line[name] for line in lines.values()) for name in OF_GROUPS}
    for name in OF_MEN:
        for key in _untold({key: line[name] for key, line in lines.items()}):
            lines[key][name] = None
    told = [{"key": key, **line} for key, line in sorted(lines.items())]
    return [*told, {"key": TOTAL, **total}]


def told_of_one(amounts: Mapping[str, int]) -> dict[str, int | None]:
    """The figures of one programme alone: a figure of men below five is not told."""
    figures = {name: amounts.get(name, 0) for name in (*OF_GROUPS, *OF_MEN)}
    return {name: None if name in OF_MEN and 0 < each < SMALLEST else each for name, each in figures.items()}


def as_csv(lines: Sequence[Mapping[str, Any]]) -> bytes:
    """With a head (RFC 4180, UTF-8); what is not told is an empty cell."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue().encode()


def _untold(figures: Mapping[str, int]) -> set[str]:
    small = {key for key, figure in figures.items() if 0 < figure < SMALLEST}
    if len(small) == 1:
        others = sorted((figure, key) for key, figure in figures.items() if key not in small and figure)
        small |= {key for _, key in others[:1]}
    return small


def _rounded(figure: int) -> int:
    return SMALLEST * ((figure + SMALLEST // 2) // SMALLEST)


def _month(number: int) -> dt.date:
    return dt.date(number // 12, number % 12 + 1, 1)
