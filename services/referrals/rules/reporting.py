"""Reports without anybody in them: which figures a line has, and which of them are too small to be told.

A figure below five is not told, and neither is one that leaves fewer than five of its whole over: who knows one of two
groups knows the other (issue of small numbers; groups.md section 10 has the same five).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SMALLEST = 5
CONVERSION, TIMES, REASONS, OVERDUE = "conversion", "time-in-state", "reasons", "overdue"
REPORTS = (CONVERSION, TIMES, REASONS, OVERDUE)

REACHED = ("received", "accepted", "waitlisted", "started", "completed", "ended", "declined", "forwarded", "withdrawn",
           "expired")  # fmt: skip
COLUMNS: dict[str, tuple[str, ...]] = {
    CONVERSION: ("group", "total", *REACHED),
    TIMES: ("group", "state", "total", "median_hours", "slowest_tenth_hours"),
    REASONS: ("group", "transition", "reason", "total"),
    OVERDUE: ("group", "clock", "total", "late", "late_now"),
}
"""The columns of each report; `group` is a month or the other organisation's key, as asked."""
PARTS: dict[str, tuple[str, ...]] = {CONVERSION: REACHED, TIMES: (), REASONS: (), OVERDUE: ("late", "late_now")}
"""Figures that are a part of `total`."""
MEASURED = frozenset({"median_hours", "slowest_tenth_hours"})


def told(report: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The lines of a report with what may not be told left out (null)."""
    if report == REASONS:
        return _reasons(rows)
    return [_line(report, row) for row in rows]


def _line(report: str, row: Mapping[str, Any]) -> dict[str, Any]:
    total = row["total"]
    if total < SMALLEST:
        figures = {name for name in COLUMNS[report] if name in {"total", *PARTS[report], *MEASURED}}
        return {name: None if name in figures else row[name] for name in COLUMNS[report]}
    parts = PARTS[report]
    return {name: _part(row[name], total) if name in parts else row[name] for name in COLUMNS[report]}


def _part(count: int, total: int) -> int | None:
    return count if count >= SMALLEST and total - count >= SMALLEST else None


def _reasons(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Reasons of one group and transition add up to a whole, so one that is left out takes the next smallest along."""
    found = [{name: row[name] for name in COLUMNS[REASONS]} for row in rows]
    wholes: dict[tuple[Any, Any], list[dict[str, Any]]] = {}
    for row in found:
        wholes.setdefault((row["group"], row["transition"]), []).append(row)
    for lines in wholes.values():
        lines.sort(key=lambda line: (line["total"], line["reason"]))
        small = [line for line in lines if line["total"] < SMALLEST]
        if len(small) == 1:
            small = lines[:2]
        for line in small:
            line["total"] = None
    return found
