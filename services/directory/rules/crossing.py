"""Faults that no field shows alone: two fields that deny each other, circles; and what a row is known by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from services.directory.rules import codes
from services.directory.rules.faults import RowError, shown
from services.directory.rules.parts import ADDRESS, GROUPS
from services.directory.rules.sections import INITIATIVES, LOCATIONS, ORGANISATIONS, SERVICES, Row, Section

WITHHELD_TOO = ("names", "descriptions", "phones", "accessibility", "schedules")
"""What lets somebody guess where a place is, beside its address."""
_LATE = {"memberships": "to", INITIATIVES: "period.to", "indicators": "period.to", "facilitators": "to"}


def identity(section: Section, row: Row) -> tuple[Any, ...] | None:
    """What tells the row apart in its section; None when a part of it did not fit."""
    if any(column not in row for column in section.identity):
        return None
    return tuple(row[column] for column in section.identity)


def mark(section: Section, row: Row) -> str | None:
    """The identity as one text, the parts with a bar between them; None when a part of it did not fit."""
    parts = identity(section, row)
    return None if parts is None else "|".join("" if part is None else str(part) for part in parts)


def cycles(here: Mapping[str, tuple[str, str | None]], there: Mapping[str, str]) -> Iterator[RowError]:
    """Organisations that would stand inside themselves: by the file (place and parent), else by the directory."""
    for key, (place, parent) in here.items():
        passed: set[str] = set()
        step: str | None = key
        while step is not None and step not in passed:
            passed.add(step)
            step = here[step][1] if step in here else there.get(step)
        if step is not None and step == key:
            expected = "an organisation that is not inside this one"
            yield RowError(ORGANISATIONS, place, "parent", shown(parent), expected)


def own_rules(section: str, place: str, row: Row) -> Iterator[RowError]:
    """What only two fields of a row together can be wrong about."""
    if section == "memberships" and row.get("organisation") is not None and row["organisation"] == row.get("network"):
        yield RowError(section, place, "in", shown(row["network"]), "another organisation than the member")
    if section == SERVICES:
        yield from _service(place, row)
    if section == LOCATIONS:
        yield from _location(place, row)
    if section in _LATE:
        start, end = row.get("started"), row.get("ended")
        if start and end and end < start[: len(end)]:
            yield RowError(section, place, _LATE[section], shown(end), f"a date not before {start}")


def _service(place: str, row: Row) -> Iterator[RowError]:
    if row.get("organisation") is not None and row["organisation"] in row.get("partners", []):
        yield RowError(SERVICES, place, "with", shown(row["partners"]), "other organisations than the service's own")
    ages = row.get("eligibility") or {}
    if ages.get("min_age", 0) > ages.get("max_age", codes.OLDEST):
        yield RowError(SERVICES, place, "eligibility", shown(ages), "a lowest age not above the highest")


def _location(place: str, row: Row) -> Iterator[RowError]:
    if (row.get("latitude") is None) != (row.get("longitude") is None):
        yield RowError(LOCATIONS, place, "latitude", shown(row.get("latitude")), "latitude and longitude, or neither")
    if row.get("withheld") is not None:
        told = [name for name in told_of_place() if row.get(name)]
        for name in told:
            expected = "nothing, since the address is withheld: the directory keeps no trace of such a place"
            yield RowError(LOCATIONS, place, name, "(not repeated here)", expected)


def told_of_place() -> tuple[str, ...]:
    """The columns that say where a place is, or let somebody guess it."""
    return (*GROUPS[LOCATIONS][ADDRESS], *WITHHELD_TOO)


def notes(place: str, row: Row) -> Iterator[str]:
    """Remarks on an organisation that stop nothing."""
    if row.get("type") is not None and row["type"] not in codes.ORGANISATION_TYPES:
        known = ", ".join(sorted(codes.ORGANISATION_TYPES))
        yield f"{ORGANISATIONS} {place}: the type {row['type']} is new; a slip? Known: {known}"
