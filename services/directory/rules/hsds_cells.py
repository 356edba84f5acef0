"""One object of an HSDS file while it is read: its values in our forms, and where in the file each fault is.

What a file says and the directory has no field for is counted by its name: the report says what was left out.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import phonenumbers

from services.directory.rules.codes import LONGEST_TEXT
from services.directory.rules.faults import RowError, printable, shown
from services.directory.rules.fields import Form

MOST_LEFT, LONGEST_MEMBER = 20, 60
EMPTY: tuple[Any, ...] = (None, "", [], {})
LIST, OBJECT, ID = "a list", "an object", "a UUID"
UNREAD = frozenset({"id", "last_modified", "metadata", "wkst", "freq", "interval", "service_id", "location_id",
                    "organization_id", "contact_id", "phone_id"})  # fmt: skip
"""Members that say nothing more: ids of what stands around, and the history, which begins anew with an import."""


@dataclass(slots=True)
class Source:
    """What is true of a whole file, and what was left out of it."""

    file: str
    language: str = "en"
    country: str | None = None
    left: Counter[str] = field(default_factory=Counter)

    def notes(self) -> list[str]:
        """What was left out, for a person."""
        most = self.left.most_common(MOST_LEFT)
        told = [
            f"{self.file}: {name}: left out {count} times; the directory has no field for it" for name, count in most
        ]
        more = len(self.left) - len(most)
        return [*told, f"{self.file}: … and {more} more kinds of fields were left out"] if more > 0 else told


@dataclass(slots=True)
class Cells:
    """One object: its members by name, its place as a JSON pointer, and the faults found in it and in what it holds."""

    source: Source
    pointer: str
    table: str
    item: Mapping[str, Any]
    faults: list[RowError] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    @property
    def place(self) -> str:
        """As a person finds it."""
        return f"{self.source.file} {self.pointer or '/'}"

    def blame(self, column: str, expected: str) -> None:
        """Keep a fault at a member."""
        where = self.pointer or "/"
        self.faults.append(RowError(self.source.file, where, column, shown(self.item.get(column)), expected))

    def raw(self, name: str) -> Any:
        """A member as it is; None where it says nothing."""
        self.seen.add(name)
        value = self.item.get(name)
        return None if value in EMPTY else value

    def formed(self, name: str, form: Form, make: Callable[[Any], Any] = lambda value: value) -> Any:
        """A member in one of our forms; a fault where it does not fit."""
        value = self.raw(name)
        if value is None:
            return None
        made = make(value)
        if form.fits(made):
            return made
        self.blame(name, form.expected)
        return None

    def text(self, name: str, longest: int = LONGEST_TEXT, *, lines: bool = False) -> str | None:
        """A text, without spaces at its ends; on one line, unless lines may be broken."""
        value = self.raw(name)
        if value is None:
            return None
        made = (_lines(value) if lines else " ".join(value.split())) if isinstance(value, str) else None
        if made is not None and len(made) <= longest and made.replace("\n", " ").isprintable():
            return made or None
        self.blame(name, f"a text of at most {longest} printable characters")
        return None

    def whole(self, name: str) -> Any:
        """A whole number; HSDS knows numbers alone, so 12.0 is one too."""
        value = self.raw(name)
        return int(value) if isinstance(value, float) and value.is_integer() else value

    def id(self, name: str = "id") -> uuid.UUID | None:
        """A UUID; a fault where there is another text."""
        value = self.raw(name)
        found = uuid_of(value)
        if value is not None and found is None:
            self.blame(name, ID)
        return found

    def phone(self, name: str) -> str | None:
        """A phone number in the international form."""
        value = self.raw(name)
        made = _phone(value, self.source.country) if isinstance(value, str) else None
        if value is not None and made is None:
            self.blame(name, "a phone number with its country code, such as +37060000000")
        return made

    def inside(self, name: str, table: str) -> Cells | None:
        """The object in a member."""
        value = self.raw(name)
        if value is None or isinstance(value, Mapping):
            return None if value is None else self._of(f"{self.pointer}/{name}", table, value)
        self.blame(name, OBJECT)
        return None

    def each(self, name: str, table: str) -> Iterator[Cells]:
        """The objects in a list."""
        value = self.raw(name)
        if value is not None and not isinstance(value, list):
            self.blame(name, LIST)
            return
        for number, item in enumerate(value or ()):
            if isinstance(item, Mapping):
                yield self._of(f"{self.pointer}/{name}/{number}", table, item)
            else:
                where = f"{self.pointer}/{name}/{number}"
                self.faults.append(RowError(self.source.file, where, name, shown(item), OBJECT))

    def leave(self, name: str) -> None:
        """Count something that is left out."""
        self.source.left[f"{self.table}.{name}"] += 1

    def done(self) -> None:
        """Count every member that nobody asked for and that says something."""
        for name, value in self.item.items():
            if name not in self.seen and name not in UNREAD and value not in EMPTY:
                self.leave(printable(str(name)[:LONGEST_MEMBER]))

    def _of(self, pointer: str, table: str, item: Mapping[str, Any]) -> Cells:
        return Cells(self.source, pointer, table, item, self.faults)


def uuid_of(value: object) -> uuid.UUID | None:
    """The id in a text, if it is one."""
    try:
        return uuid.UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _lines(value: str) -> str:
    return "\n".join(" ".join(line.split()) for line in value.strip().splitlines())


def _phone(value: str, country: str | None) -> str | None:
    try:
        number = phonenumbers.parse(value, country)
    except phonenumbers.NumberParseException:
        return None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return written if phonenumbers.is_possible_number(number) else None
