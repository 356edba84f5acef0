"""One fault of a directory file, as it is told to the person who brought the file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

LONGEST_VALUE = 120


@dataclass(frozen=True, slots=True)
class RowError:
    """One fault of a file: where it is, the value found there (shortened) and what is expected."""

    section: str
    row: str
    field: str
    value: str
    expected: str

    def __str__(self) -> str:
        """One line for a person."""
        where = f"{self.section} {self.row}".strip()
        return printable(f"{where}: {self.field}: found {self.value}; expected {self.expected}.")


def shown(value: Any) -> str:
    """A value as it is told back to a person."""
    written = printable(json.dumps(value, ensure_ascii=False, default=str))
    return written if len(written) <= LONGEST_VALUE else written[:LONGEST_VALUE] + "…"


def printable(text: str) -> str:
    """The text with half a letter of two told by its number, since nothing prints or stores it."""
    return text.encode("utf-8", "backslashreplace").decode()
