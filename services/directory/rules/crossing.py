"""Faults that no row shows alone: repetitions, references to nobody, circles, times that run backwards."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from services.directory.rules import codes
from services.directory.rules.faults import RowError, shown
from services.directory.rules.sections import INITIATIVES, ORGANISATIONS, SECTIONS, SERVICES, Field, Row, Section

Placed = tuple[str, Row]
Places = Mapping[str, list[Placed]]


def identity(section: Section, row: Row) -> tuple[Any, ...] | None:
    """What tells the row apart in its section; None when a part of it did not fit."""
    if any(column not in row for column in section.identity):
        return None
    return tuple(row[column] for column in section.identity)


def repeated(section: Section, rows: list[Placed]) -> Iterator[RowError]:
    """Rows that stand twice in a section."""
    seen: dict[tuple[Any, ...], str] = {}
    for place, row in rows:
        mark = identity(section, row)
        if mark is None:
            continue
        if mark in seen:
            names = ", ".join(section.identity)
            expected = f"each only once; it is in row {seen[mark]} already"
            yield RowError(section.name, place, names, shown(mark), expected)
        seen.setdefault(mark, place)


def dangling(places: Places, known: Mapping[str, frozenset[str]]) -> Iterator[RowError]:
    """References to rows that are neither in the file nor in the directory."""
    keys = {name: _keys(rows) | known.get(name, frozenset()) for name, rows in places.items()}
    for section in SECTIONS:
        for field in section.fields:
            if field.refers is not None:
                yield from _missing(section.name, field, places[section.name], keys[field.refers])


def _keys(rows: list[Placed]) -> frozenset[str]:
    return frozenset(row["key"] for _, row in rows if "key" in row)


def _missing(name: str, field: Field, rows: list[Placed], keys: Collection[str]) -> Iterator[RowError]:
    expected = f"the key of one of the {field.refers} in this file or in the directory"
    for place, row in rows:
        value = row.get(field.column)
        for key in value if isinstance(value, list) else [value]:
            if key is not None and key not in keys:
                yield RowError(name, place, field.name, shown(key), expected)


def cycles(rows: list[Placed]) -> Iterator[RowError]:
    """Organisations that would stand inside themselves."""
    parents = {row["key"]: row.get("parent") for _, row in rows if "key" in row}
    for place, row in rows:
        passed: set[str] = set()
        step = row.get("key")
        while step is not None and step not in passed:
            passed.add(step)
            step = parents.get(step)
        if step is not None and step == row.get("key"):
            expected = "an organisation that is not inside this one"
            yield RowError(ORGANISATIONS, place, "parent", shown(row.get("parent")), expected)


def own_rules(places: Places) -> Iterator[RowError]:
    """What only two fields of a row together can be wrong about."""
    for place, row in places["memberships"]:
        if row.get("organisation") is not None and row.get("organisation") == row.get("network"):
            yield RowError("memberships", place, "in", shown(row["network"]), "another organisation than the member")
    for place, row in places[SERVICES]:
        if row.get("organisation") is not None and row["organisation"] in row.get("partners", []):
            expected = "other organisations than the service's own"
            yield RowError(SERVICES, place, "with", shown(row["partners"]), expected)
    yield from _backwards("memberships", "to", places["memberships"])
    yield from _backwards(INITIATIVES, "period.to", places[INITIATIVES])


def _backwards(name: str, field: str, rows: list[Placed]) -> Iterator[RowError]:
    for place, row in rows:
        start, end = row.get("started"), row.get("ended")
        if start and end and end < start[: len(end)]:
            yield RowError(name, place, field, shown(end), f"a date not before {start}")


def notes(rows: list[Placed]) -> Iterator[str]:
    """Remarks that stop nothing."""
    known = ", ".join(sorted(codes.ORGANISATION_TYPES))
    for place, row in rows:
        if row.get("type") is not None and row["type"] not in codes.ORGANISATION_TYPES:
            yield f"{ORGANISATIONS} {place}: the type {row['type']} is new; a slip? Known: {known}"
