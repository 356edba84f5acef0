"""The class of every column of every table, as data beside the migrations: `classes.json`, one line a column.

    "reason": "personal: a code, and rules and lists work on it; cleared with the record"

A value is public, internal, personal, sealed or offence; what is personal and stands in clear says why behind a colon.
From here come what an erasure clears, what an export holds and the record of processing; a test holds the files
against the catalogue of the real databases. Source: access-and-privacy.md section 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import orjson

from chassis.schema import CLASSES

ROOT = Path(__file__).parent.parent
ABOUT_PEOPLE = frozenset({"personal", "sealed", "offence"})
HASH = "_mac"
"""How the name of a keyed hash ends (or it is `mac` alone): it can be compared and never read."""


@dataclass(frozen=True, slots=True)
class Classed:
    """The class of one column, and why it stands in clear where that needs a reason."""

    kind: str
    why: str = ""

    @property
    def is_about_people(self) -> bool:
        """Whether an erasure clears it and an export shows it as a fact about somebody."""
        return self.kind in ABOUT_PEOPLE


Tables = dict[str, dict[str, Classed]]


@cache
def classes_of(service: str) -> Tables:
    """Every table of a service's database with its columns: the chassis's and the service's own."""
    return {
        **_read(ROOT / "chassis" / "classes.json", "service"),
        **_read(ROOT / "services" / service / "classes.json"),
    }


@cache
def key_classes() -> Tables:
    """Every table of a service's schema in the key database."""
    return _read(ROOT / "chassis" / "classes.json", "keys")


def is_hash(column: str) -> bool:
    """Whether a column holds a keyed hash, by its name."""
    return column.endswith(HASH) or column == HASH.lstrip("_")


def _read(path: Path, part: str | None = None) -> Tables:
    found = orjson.loads(path.read_bytes())
    tables = found if part is None else found[part]
    return {table: {name: _classed(text) for name, text in columns.items()} for table, columns in tables.items()}


def _classed(text: str) -> Classed:
    kind, _, why = text.partition(":")
    if kind not in CLASSES:
        message = f"{kind!r} is no class; use one of {', '.join(sorted(CLASSES))}"
        raise ValueError(message)
    return Classed(kind, why.strip())
