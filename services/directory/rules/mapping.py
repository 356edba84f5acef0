"""Reads a table of another system by a mapping file: which column becomes which field, and by which small rule.

A mapping is JSON: for each section its `file`, the `key` of its rows, and `fields`. Each field says its `column` and
how it is read (`as`), or a `value` that all rows get. `parts` are rows of other files that belong to one row, such as
phones or an address. directory.md section 5; docs/mappings has one.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import phonenumbers

from services.directory.rules.codes import WEEKDAYS
from services.directory.rules.faults import RowError, shown
from services.directory.rules.judging import Entry
from services.directory.rules.sections import BY_NAME

Cells = Mapping[str, str]
LONGEST_CELL = 65_536
_FORMULA = ("=", "@", "\t", "\r")
_TRUE, _FALSE = {"true", "yes", "1"}, {"false", "no", "0"}
_HALF_DAY = re.compile(r"\A(\d{1,2})(?::(\d\d))?\s*([ap])m\Z", re.IGNORECASE)
_CLOCK = re.compile(r"\A(\d{1,2}):(\d\d)\Z")
DATES = ("%Y-%m-%d", "%B %d, %Y", "%m/%d/%Y")
EXPECTED_DATE = "a date with a year of four digits, such as 2026-11-26"


class Unreadable(ValueError):
    """A cell that its rule cannot read; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a file: the file's name, the line in it, its cells."""

    file: str
    number: int
    cells: Cells

    @property
    def place(self) -> str:
        """As a person finds it."""
        return f"line {self.number}"


@dataclass(slots=True)
class Tables:
    """What of other files belongs to rows, by file, column and value."""

    rows: dict[tuple[str, str], dict[str, list[Line]]] = field(default_factory=dict)

    def keep(self, line: Line, columns: Iterable[str]) -> None:
        """Remember a row under the columns by which others ask for it."""
        for column in columns:
            if line.cells.get(column):
                self.rows.setdefault((line.file, column), {}).setdefault(line.cells[column], []).append(line)

    def of(self, file: str, column: str, value: str) -> Sequence[Line]:
        """The rows of a file that name this value in a column."""
        return self.rows.get((file, column), {}).get(value, ())


def files_of(mapping: Mapping[str, Any]) -> dict[str, set[str]]:
    """The files that are asked for while others are read, each with the columns by which it is."""
    asked: dict[str, set[str]] = {}
    for section in mapping["sections"].values():
        for part in section.get("parts", {}).values():
            asked.setdefault(part["file"], set()).add(part["column"])
        for rule in section["fields"].values():
            if "via" in rule:
                asked.setdefault(rule["via"], set()).add(rule.get("key", "id"))
    return asked


def entry(name: str, section: Mapping[str, Any], line: Line, tables: Tables) -> Entry:
    """One row of a file as an entry of a section, with what could not be read in it."""
    faults: list[RowError] = []
    content: dict[str, Any] = {"key": _key(section["key"], line.cells)} if "key" in section else {}
    for target, rule in section["fields"].items():
        _fill(content, target, _read(rule, line, tables, faults))
    for target, part in section.get("parts", {}).items():
        lines = tables.of(part["file"], part["column"], line.cells.get(part.get("key", "id"), ""))
        made = [_part(part, each, tables, faults) for each in lines]
        if part.get("one"):
            content.update(made[0] if made else {})
        elif made:
            content[target] = made
    return Entry(name, f"{line.file} {line.place}", content, tuple(faults))


def wrong(line: Line, column: str, value: object, expected: str) -> RowError:
    """A fault at a cell."""
    return RowError(line.file, line.place, column, shown(value), expected)


def columns_missing(mapping: Mapping[str, Any], file: str, header: Sequence[str]) -> list[str]:
    """The columns of a file that the mapping reads and the header has not."""
    asked: set[str] = set(files_of(mapping).get(file, ()))
    for section in mapping["sections"].values():
        if section["file"] == file:
            asked |= {rule.get("from", rule.get("column")) for rule in section["fields"].values() if "column" in rule}
            asked |= {section["key"]["column"]} if "key" in section else set()
        asked |= {rule["column"] for rule in section["fields"].values() if rule.get("via") == file}
        for part in section.get("parts", {}).values():
            if part["file"] == file:
                asked |= {rule["column"] for rule in part["fields"].values() if "column" in rule}
    return sorted(asked - set(header))


def check(mapping: Mapping[str, Any]) -> list[str]:
    """What is wrong with a mapping itself, in sentences."""
    found = []
    for name, section in mapping.get("sections", {}).items():
        if name not in BY_NAME:
            found.append(f"There is no section {name}; known: {', '.join(BY_NAME)}.")
        for target, rule in (*section.get("fields", {}).items(), *_part_rules(section)):
            if rule.get("as", "text") not in READERS:
                found.append(f"{name}: {target}: no rule is called {rule['as']}; known: {', '.join(READERS)}.")
    return found or ([] if mapping.get("sections") else ["A mapping has `sections`."])


def _part_rules(section: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    for part in section.get("parts", {}).values():
        yield from part["fields"].items()


def _part(part: Mapping[str, Any], line: Line, tables: Tables, faults: list[RowError]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for target, rule in part["fields"].items():
        _fill(made, target, _read(rule, line, tables, faults))
    return made


def _fill(content: dict[str, Any], target: str, value: Any) -> None:
    outer, dot, inner = target.partition(".")
    if value in (None, "", []):
        return
    if dot:
        content.setdefault(outer, {})[inner] = value
    else:
        content[target] = value


def _read(rule: Mapping[str, Any], line: Line, tables: Tables, faults: list[RowError]) -> Any:
    if "value" in rule:
        return rule["value"]
    try:
        source = _source(rule, line, tables)
    except Unreadable as reason:
        faults.append(wrong(line, rule["from"], line.cells.get(rule["from"]), str(reason)))
        return None
    cell = source.cells.get(rule["column"], "").strip()
    try:
        return _read_cell(cell, rule) if cell else None
    except Unreadable as reason:
        faults.append(wrong(source, rule["column"], cell, str(reason)))
        return None


def _source(rule: Mapping[str, Any], line: Line, tables: Tables) -> Line:
    """The row that has the cell: this one, or one of another file that it names."""
    if "via" not in rule:
        return line
    above = tables.of(rule["via"], rule.get("key", "id"), line.cells.get(rule["from"], ""))
    if not above:
        message = f"the id of a row of {rule['via']}"
        raise Unreadable(message)
    return above[0]


def _read_cell(cell: str, rule: Mapping[str, Any]) -> Any:
    if cell.startswith(_FORMULA):
        message = "a text; formulas of a spreadsheet are not read"
        raise Unreadable(message)
    return READERS[rule.get("as", "text")](cell, rule)


def _key(rule: Mapping[str, Any], cells: Cells) -> str | None:
    cell = cells.get(rule["column"], "").strip().lower()
    return f"{rule.get('prefix', '')}{cell}" if cell else None


def _text(cell: str, _: Mapping[str, Any]) -> str:
    return " ".join(cell.split())


def _texts(cell: str, rule: Mapping[str, Any]) -> dict[str, str]:
    return {rule["language"]: _text(cell, rule)}


def _key_of(cell: str, rule: Mapping[str, Any]) -> str:
    return f"{rule.get('prefix', '')}{cell.lower()}"


def _keys(cell: str, rule: Mapping[str, Any]) -> list[str]:
    return [_key_of(cell, rule)]


def _list(cell: str, rule: Mapping[str, Any]) -> list[str]:
    parts = [_text(part, rule) for part in cell.split(rule.get("separator", ","))]
    named = rule.get("words", {})
    return list(dict.fromkeys(named.get(part, part) for part in parts if part))


def _number(cell: str, _: Mapping[str, Any]) -> float | int:
    try:
        return float(cell) if "." in cell else int(cell)
    except ValueError as error:
        raise Unreadable("a number") from error


def _word(cell: str, rule: Mapping[str, Any]) -> Any:
    words = rule["words"]
    if cell not in words:
        raise Unreadable(f"one of {', '.join(words)}")
    return words[cell]


def _flag(cell: str, _: Mapping[str, Any]) -> bool:
    if cell.lower() not in _TRUE | _FALSE:
        raise Unreadable("true or false")
    return cell.lower() in _TRUE


def _phone(cell: str, rule: Mapping[str, Any]) -> str:
    try:
        number = phonenumbers.parse(cell, rule.get("country"))
    except phonenumbers.NumberParseException as error:
        raise Unreadable("a phone number") from error
    if not phonenumbers.is_possible_number(number):
        raise Unreadable("a phone number that can exist")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _date(cell: str, _: Mapping[str, Any]) -> str:
    for form in DATES:
        try:
            found = dt.datetime.strptime(cell, form)  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
        return found.date().isoformat()
    raise Unreadable(EXPECTED_DATE)


def _clock(cell: str, _: Mapping[str, Any]) -> str:
    half, whole = _HALF_DAY.match(cell), _CLOCK.match(cell)
    if half is not None:
        hour = int(half[1]) % 12 + (12 if half[3].lower() == "p" else 0)
        return f"{hour:02}:{half[2] or '00'}"
    if whole is not None:
        return f"{int(whole[1]):02}:{whole[2]}"
    raise Unreadable("a time such as 08:30 or 4:30 PM")


def _weekday(cell: str, _: Mapping[str, Any]) -> list[str]:
    short = cell[:2].upper()
    if short not in WEEKDAYS:
        raise Unreadable("a day of the week")
    return [short]


READERS: dict[str, Callable[[str, Mapping[str, Any]], Any]] = {
    "text": _text,
    "texts": _texts,
    "key": _key_of,
    "keys": _keys,
    "list": _list,
    "number": _number,
    "word": _word,
    "flag": _flag,
    "phone": _phone,
    "date": _date,
    "clock": _clock,
    "weekday": _weekday,
}
"""How a cell is read: the name in the mapping, and what it makes."""
