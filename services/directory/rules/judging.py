"""Judges the entries of a directory file one by one, whatever it was written in, and remembers only what crosses rows.

Memory: one mark per row and one place per key that is referred to, so a file of a hundred thousand rows needs some tens
of megabytes here and no row is kept (directory.md section 5).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from services.directory.rules import crossing
from services.directory.rules.faults import RowError, shown
from services.directory.rules.sections import BY_NAME, ORGANISATIONS, Field, Row, Section

MOST_ERRORS = 1000
MOST_NOTES = 50


class Entry(NamedTuple):
    """One row as a file has it: its section, where it stands, what it says; `faults` were found on reading it."""

    section: str
    place: str
    content: Any
    faults: tuple[RowError, ...] = ()


class Judged(NamedTuple):
    """A row that fits, as the tables hold it, and what it is known by."""

    section: str
    place: str
    mark: str
    row: Row


@dataclass(slots=True)
class Judge:
    """Takes entries in any order and says at the end what is missing between them."""

    errors: list[RowError] = field(default_factory=list)
    faults: int = 0
    notes: list[str] = field(default_factory=list)
    _marks: dict[str, dict[str, str]] = field(default_factory=dict)
    _keys: dict[str, set[str]] = field(default_factory=dict)
    _referred: dict[tuple[str, str], tuple[str, str, str]] = field(default_factory=dict)
    _parents: dict[str, tuple[str, str | None]] = field(default_factory=dict)

    def take(self, entry: Entry) -> Judged | None:
        """Judge one entry; None when it has a fault, which is kept."""
        self.blame(*entry.faults)
        section = BY_NAME[entry.section]
        row, faults = _row(section, entry.place, entry.content)
        mark = crossing.mark(section, row)
        if not entry.faults:  # what could not be read is told once, at its cell
            self.blame(*faults, *crossing.own_rules(section.name, entry.place, row))
        if mark is not None:
            self._remember(section, entry.place, mark, row)
        self._refer(section, entry.place, row)
        return None if faults or entry.faults or mark is None else Judged(section.name, entry.place, mark, row)

    def blame(self, *errors: RowError) -> None:
        """Keep faults; beyond the first thousand only their number."""
        self.faults += len(errors)
        self.errors += errors[: max(0, MOST_ERRORS - len(self.errors))]

    def finish(self, known: Callable[[str, Collection[str]], Collection[str]], parents: Mapping[str, str]) -> None:
        """Find references to nobody and circles; `known` gives those keys of a section that the directory has."""
        missing: dict[str, set[str]] = {}
        for section, key in self._referred:
            if key not in self._keys.get(section, ()):
                missing.setdefault(section, set()).add(key)
        have = {section: set(known(section, keys)) for section, keys in missing.items()}
        for (section, key), (name, place, where) in self._referred.items():
            if key in missing.get(section, ()) and key not in have[section]:
                expected = f"the key of one of the {section} in this file or in the directory"
                self.blame(RowError(name, place, where, shown(key), expected))
        self.blame(*crossing.cycles(self._parents, parents))

    def _remember(self, section: Section, place: str, mark: str, row: Row) -> None:
        seen = self._marks.setdefault(section.name, {})
        if mark in seen:
            names = ", ".join(section.identity)
            expected = f"each only once; it is in row {seen[mark]} already"
            found = shown([row[column] for column in section.identity])
            self.blame(RowError(section.name, place, names, found, expected))
        seen.setdefault(mark, place)
        if "key" in row:
            self._keys.setdefault(section.name, set()).add(row["key"])
        if section.name == ORGANISATIONS:
            self._parents[row["key"]] = (place, row.get("parent"))
            if len(self.notes) < MOST_NOTES:
                self.notes += crossing.notes(place, row)

    def _refer(self, section: Section, place: str, row: Row) -> None:
        for each in section.fields:
            value = row.get(each.column) if each.refers is not None else None
            for key in value if isinstance(value, list) else [value]:
                if key is not None and each.refers is not None:
                    self._referred.setdefault((each.refers, key), (section.name, place, each.name))


def _row(section: Section, place: str, given: Any) -> tuple[Row, list[RowError]]:
    """Row and faults of one entry; what did not fit is left out of the row."""
    if not isinstance(given, dict):
        return {}, [RowError(section.name, place, "row", shown(given), "an object")]
    flat = _flat(given, section.nested)
    row: Row = {}
    errors = list(_unknown(section, place, flat))
    for each in section.fields:
        value = flat.get(each.name)
        if value is None:
            _fill(row, each)
        elif each.form.fits(value):
            row[each.column] = value
        if each.column not in row and not (value is None and each.kept):
            errors.append(RowError(section.name, place, each.name, shown(value), each.form.expected))
    return row, errors


def _unknown(section: Section, place: str, flat: Row) -> Iterator[RowError]:
    fields = [each.name for each in section.fields]
    for name in flat:
        if name not in fields:
            yield RowError(section.name, place, name, shown(flat[name]), f"one of the fields {', '.join(fields)}")


def _fill(row: Row, each: Field) -> None:
    if not each.required and not each.kept:
        row[each.column] = each.absent


def _flat(given: Row, nested: tuple[str, ...]) -> Row:
    flat: Row = {}
    for name, value in given.items():
        if name in nested and isinstance(value, dict):
            flat.update({f"{name}.{inner}": item for inner, item in value.items()})
        elif not (name in nested and value is None):
            flat[str(name)] = value
    return flat
