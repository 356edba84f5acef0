"""A directory file in JSON, taken apart into the entries that are judged one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from services.directory.rules.faults import LONGEST_VALUE, RowError, shown
from services.directory.rules.judging import Entry
from services.directory.rules.sections import BY_NAME, SECTIONS

LONGEST_ABOUT = 4000
MOST_ROWS = 100_000


def shape_errors(document: Mapping[str, Any]) -> Iterator[RowError]:
    """What is wrong with the file as a whole: unknown sections, sections that are no lists."""
    expected = f"about or one of {', '.join(BY_NAME)}"
    for name, value in document.items():
        if name == "about":
            if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ABOUT or "\x00" in value:
                yield RowError(name, "", "about", shown(value), f"a text of 1 to {LONGEST_ABOUT} characters")
        elif name not in BY_NAME:
            yield RowError(str(name), "", "section", shown(name), expected)
        elif not isinstance(value, list) or len(value) > MOST_ROWS:
            yield RowError(name, "", "section", shown(value), f"a list of at most {MOST_ROWS} rows")


def entries(document: Mapping[str, Any]) -> Iterator[Entry]:
    """Every entry of every section, in the order in which the tables need them."""
    for section in SECTIONS:
        given = document.get(section.name, [])
        for number, row in enumerate(given if isinstance(given, list) else []):
            yield Entry(section.name, _place(number, row), row)


def about(document: Mapping[str, Any]) -> str | None:
    """What the file says of itself."""
    said = document.get("about")
    return said if isinstance(said, str) else None


def _place(number: int, row: Any) -> str:
    key = row.get("key") if isinstance(row, dict) else None
    return f"[{number}] {key}" if isinstance(key, str) and len(key) <= LONGEST_VALUE else f"[{number}]"
