"""Reads a table of new referrals (CSV) into bodies; its refusals name rows and columns and never repeat a value.

A row that stands where the header should be is full of names: unknown columns are told by their place alone.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chassis.errors import FieldError, Invalid

MOST_ROWS = 500
LONGEST_ROW = 65_536
MOST_LINES = 20_000
REQUIRED = ("name", "birth_year", "role", "needs", "reason", "urgency", "ordered", "person_informed")
COLUMNS = (
    "service", "receiver", "name", "birth_year", "role", "contact_channel", "contact_value", "contact_safe",
    "contact_via", "needs", "reason", "urgency", "ordered", "order_reference", "person_informed", "external_ref",
    "feedback_scope",
)  # fmt: skip
PLACES = {
    "name": "/person/name",
    "birth_year": "/person/birth_year",
    "contact_channel": "/contact/channel",
    "contact_value": "/contact/value",
    "contact_safe": "/contact/safe",
}
"""Where a column stands in the body of POST /referrals; all others stand there by their own name."""

_BY_PLACE = {place: column for column, place in PLACES.items()} | {"/person": "name", "/contact": "contact_value"}
_WORDS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
EXAMPLE = {
    "service": "lt-kavkc-behaviour-change",
    "name": "Demo Pavyzdys",
    "birth_year": "1985",
    "role": "used_violence",
    "contact_via": "referrer",
    "needs": "violence_own_use fatherhood",
    "reason": "Invented case: police were called, he asks for help to stop.",
    "urgency": "urgent",
    "ordered": "no",
    "person_informed": "yes",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: its number as a spreadsheet shows it, and the body that it says, or what is wrong with its form."""

    number: int
    body: dict[str, Any] = field(default_factory=dict)
    faults: tuple[FieldError, ...] = ()


def template() -> bytes:
    """A file to fill in, as spreadsheets of our countries open it: semicolons, with a byte order mark."""
    lines = (";".join(COLUMNS), ";".join(EXAMPLE.get(column, "") for column in COLUMNS))
    return ("\ufeff" + "".join(f"{line}\r\n" for line in lines)).encode()


def read(raw: bytes) -> list[Row]:
    """The rows of a file. Raises Invalid for what is no such table: encoding, header, quotes, length."""
    lines = _lines(raw)
    semicolons = lines[0].count(";") >= lines[0].count(",")
    bounded = Bounded(lines)
    reader = csv.reader(bounded, delimiter=";" if semicolons else ",", strict=True)
    try:
        header = _header(next(reader, []))
        rows = list(_rows(reader, header, bounded))
    except csv.Error:
        message = (
            f"Row {bounded.rows + 1}: a quotation mark is not closed or stands inside a cell, or a cell is too long."
        )
        raise _wrong("import.malformed", message) from None
    if not rows:
        raise _wrong("import.empty", "The file has a header and no rows.")
    return rows


def column_of(pointer: str) -> str:
    """The pointer to the column behind a place in the body of POST /referrals."""
    known = next((column for place, column in _BY_PLACE.items() if pointer == place), None)
    return f"/{known}" if known else "/" + pointer.split("/")[1] if "/" in pointer else pointer


class Bounded:
    """Gives the lines of a file, and stops where one row would grow without end: an open quote, thousands of cells."""

    def __init__(self, lines: list[str]) -> None:
        """Nothing is read yet."""
        self._lines = lines
        self._length = 0
        self.rows = 0

    def row_read(self) -> None:
        """A row is complete; the next one begins."""
        self._length = 0
        self.rows += 1

    def __iter__(self) -> Iterator[str]:
        """Line by line. Raises csv.Error when a row is too long."""
        for line in self._lines:
            self._length += len(line)
            if self._length > LONGEST_ROW:
                raise csv.Error
            yield line


def _lines(raw: bytes) -> list[str]:
    if raw.count(b"\n") + raw.count(b"\r") > 2 * MOST_LINES:
        raise _wrong("import.too_many", f"At most {MOST_ROWS} rows are taken at once.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"Save the file as CSV UTF-8: byte {error.start} is not UTF-8."
        raise _wrong("import.encoding", message) from None
    if "\x00" in text:
        raise _wrong("import.encoding", "Save the file as CSV UTF-8: it holds null characters.")
    if not text.strip():
        raise _wrong("import.empty", "The file is empty.")
    return list(io.StringIO(text, newline=""))  # \n, \r and \r\n alone end a line; other signs stand in texts


def _header(cells: list[str]) -> list[str]:
    """The columns in their order. Raises Invalid with each that is missing, unknown or there twice."""
    names = [cell.strip().lower() for cell in cells]
    seen = Counter(names)
    faults = [
        FieldError(f"/header/{place}", "unknown", f"Column {place} is not known; see the template.")
        for place, name in enumerate(names, 1)
        if name not in COLUMNS
    ]
    faults += [
        FieldError(f"/header/{name}", "repeated", "This column may come only once.")
        for name in COLUMNS
        if seen[name] > 1
    ]
    missing = [name for name in REQUIRED if name not in seen]
    faults += [FieldError(f"/header/{name}", "required", "This column is needed.") for name in missing]
    if not {"service", "receiver"} & set(names):
        faults.append(FieldError("/header/service", "required", "A column service or receiver is needed."))
    if faults:
        raise Invalid("import.header", "The first row has to name the columns.", fields=tuple(faults[:50]))
    return names


def _rows(reader: Any, header: list[str], bounded: Bounded) -> Iterator[Row]:
    bounded.row_read()
    taken = 0
    for cells in reader:
        bounded.row_read()
        if not any(cell.strip() for cell in cells):
            continue
        taken += 1
        if taken > MOST_ROWS:
            raise _wrong("import.too_many", f"At most {MOST_ROWS} rows are taken at once.")
        yield _row(bounded.rows, cells, header)


def _row(number: int, cells: list[str], header: list[str]) -> Row:
    if len(cells) != len(header):
        detail = f"This row has {len(cells)} cells, the header {len(header)}."
        return Row(number=number, faults=(FieldError("", "row.cells", detail),))
    said = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if cell.strip()}
    return Row(number=number, body=_body(said))


def _body(said: dict[str, str]) -> dict[str, Any]:
    """The body of POST /referrals; what does not read as a number or a yes stays a text, and the schema says so."""
    body: dict[str, Any] = {}
    for column, text in said.items():
        outer, _, inner = PLACES.get(column, f"/{column}")[1:].partition("/")
        value = _value(column, text)
        if inner:
            body.setdefault(outer, {})[inner] = value
        else:
            body[outer] = value
    return body


def _value(column: str, text: str) -> Any:
    if column == "birth_year" and text.isascii() and text.isdigit() and len(text) <= 4:  # noqa: PLR2004 -- a year
        return int(text)
    if column == "ordered":
        return _WORDS.get(text.lower(), text)
    if column == "needs":
        return text.replace(",", " ").replace("|", " ").split()
    return text


def _wrong(code: str, detail: str) -> Invalid:
    return Invalid(code, detail)
