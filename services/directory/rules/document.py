"""Judges a whole directory file: every fault with its place, and the rows as the tables hold them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.directory.rules import crossing
from services.directory.rules.faults import LONGEST_VALUE, RowError, shown
from services.directory.rules.sections import BY_NAME, ORGANISATIONS, SECTIONS, Field, Row, Section

LONGEST_ABOUT = 4000
MOST_ROWS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A file that was read: rows by section in the file's order, its faults, and remarks that stop nothing."""

    rows: dict[str, list[Row]]
    about: str | None
    errors: tuple[RowError, ...]
    notes: tuple[str, ...]


def read(document: Mapping[str, Any], known: Mapping[str, frozenset[str]]) -> Read:
    """Judge a file; `known` are the keys by section that the directory has already, which a row may refer to."""
    errors = list(_shape_errors(document))
    places: dict[str, list[tuple[str, Row]]] = {}
    for section in SECTIONS:
        given = document.get(section.name, [])
        read_rows = [_row(section, number, row) for number, row in enumerate(given)] if isinstance(given, list) else []
        places[section.name] = [(place, row) for place, row, _ in read_rows]
        errors += [error for _, _, faults in read_rows for error in faults]
        errors += crossing.repeated(section, places[section.name])
    errors += crossing.dangling(places, known)
    errors += crossing.cycles(places[ORGANISATIONS])
    errors += crossing.own_rules(places)
    about = document.get("about")
    return Read(
        rows={name: [row for _, row in found] for name, found in places.items()},
        about=about if isinstance(about, str) else None,
        errors=tuple(errors),
        notes=tuple(crossing.notes(places[ORGANISATIONS])),
    )


def _shape_errors(document: Mapping[str, Any]) -> Iterator[RowError]:
    expected = f"about or one of {', '.join(BY_NAME)}"
    for name, value in document.items():
        if name == "about":
            if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ABOUT or "\x00" in value:
                yield RowError(name, "", "about", shown(value), f"a text of 1 to {LONGEST_ABOUT} characters")
        elif name not in BY_NAME:
            yield RowError(str(name), "", "section", shown(name), expected)
        elif not isinstance(value, list) or len(value) > MOST_ROWS:
            yield RowError(name, "", "section", shown(value), f"a list of at most {MOST_ROWS} rows")


def _row(section: Section, number: int, given: Any) -> tuple[str, Row, list[RowError]]:
    """Place, row and faults of one entry; what did not fit is left out of the row."""
    if not isinstance(given, dict):
        place = f"[{number}]"
        return place, {}, [RowError(section.name, place, "row", shown(given), "an object")]
    key = given.get("key")
    place = f"[{number}] {key}" if isinstance(key, str) and len(key) <= LONGEST_VALUE else f"[{number}]"
    flat = _flat(given, section.nested)
    row: Row = {}
    errors = list(_unknown(section, place, flat))
    for field in section.fields:
        value = flat.get(field.name)
        if value is None:
            _fill(row, field)
        elif field.form.fits(value):
            row[field.column] = value
        if field.column not in row and not (value is None and field.kept):
            errors.append(RowError(section.name, place, field.name, shown(value), field.form.expected))
    return place, row, errors


def _unknown(section: Section, place: str, flat: Row) -> Iterator[RowError]:
    fields = [field.name for field in section.fields]
    for name in flat:
        if name not in fields:
            yield RowError(section.name, place, name, shown(flat[name]), f"one of the fields {', '.join(fields)}")


def _fill(row: Row, field: Field) -> None:
    if not field.required and not field.kept:
        row[field.column] = field.absent


def _flat(given: Row, nested: tuple[str, ...]) -> Row:
    flat: Row = {}
    for name, value in given.items():
        if name in nested and isinstance(value, dict):
            flat.update({f"{name}.{inner}": item for inner, item in value.items()})
        elif not (name in nested and value is None):
            flat[str(name)] = value
    return flat
