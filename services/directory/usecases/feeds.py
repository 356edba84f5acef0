"""Reads a large JSON file piece by piece: the members at its top, and the objects of its lists one after the other.

Only one object is in memory at a time. Raises Invalid with the place for whatever is no JSON.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Self, TextIO

from chassis.errors import Invalid
from services.directory.usecases.files import no_number, once

PIECE = 1 << 20
LARGEST_OBJECT = 16 << 20
LARGEST_FILE = 1 << 30
SPACE = " \t\n\r"
_DECODER = json.JSONDecoder(object_pairs_hook=once, parse_constant=no_number)


def members(path: Path) -> list[str] | None:
    """The names of the members at the top, in their order; None where a list is at the top."""
    with _opened(path) as text:
        if text.peek() == "[":
            for _ in text.elements():
                pass
            text.finish()
            return None
        found = []
        for name in text.names():
            found.append(name)
            text.skip()
        text.finish()
        return found


def elements(path: Path, lists: Collection[str]) -> Iterator[tuple[str, str | None, Any]]:
    """The elements of these lists: a JSON pointer, the name of the list (None at the top), and the element."""
    with _opened(path) as text:
        if text.peek() == "[":
            for number, value in enumerate(text.elements()):
                yield f"/{number}", None, value
            return
        for name in text.names():
            if name in lists:
                yield from _listed(text, name)
            else:
                text.skip()


def _listed(text: _Text, name: str) -> Iterator[tuple[str, str | None, Any]]:
    if text.peek() != "[":
        raise text.wrong_shape(name)
    for number, value in enumerate(text.elements()):
        yield f"/{name}/{number}", name, value


def _opened(path: Path) -> _Text:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise Invalid("import.too_large", f"{path} is larger than {LARGEST_FILE >> 30} GiB.")
        return _Text(path, path.open(encoding="utf-8-sig"))
    except OSError as error:
        raise Invalid("import.no_file", f"{path} cannot be read: {error.strerror}.") from error


class _Text:
    """The text of a file of which a piece is held: `at` is where reading goes on in it."""

    def __init__(self, path: Path, stream: TextIO) -> None:
        self._path, self._stream = path, stream
        self._held, self._at, self._lines, self._ended = "", 0, 1, False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def peek(self) -> str:
        """The next letter that is no space; nothing at the end."""
        while True:
            while self._at < len(self._held) and self._held[self._at] in SPACE:
                self._at += 1
            if self._at < len(self._held) or not self._more():
                return self._held[self._at : self._at + 1]

    def take(self, wanted: str) -> str:
        """The next letter, which must be one of these."""
        found = self.peek()
        if not found or found not in wanted:
            raise self._wrong(f"expected {' or '.join(wanted)}")
        self._at += 1
        return found

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        while True:
            try:
                value, end = self._decoded()
            except json.JSONDecodeError as error:
                if not self._more():
                    raise self._wrong(error.msg) from error
                continue
            if end < len(self._held) or not self._more():  # a number may go on in the next piece
                self._at = end
                return value

    def _decoded(self) -> tuple[Any, int]:
        try:
            return _DECODER.raw_decode(self._held, self._at)
        except json.JSONDecodeError:
            raise
        except RecursionError as error:
            raise Invalid("import.no_json", f"{self._path} is nested too deeply.") from error
        except ValueError as error:
            raise self._wrong(str(error)) from error

    def skip(self) -> None:
        """Go over the next value; a list by its elements."""
        if self.peek() == "[":
            for _ in self.elements():
                pass
        else:
            self.value()

    def elements(self) -> Iterator[Any]:
        """The elements of the list that begins here."""
        self.take("[")
        if self.peek() == "]":
            self.take("]")
            return
        while True:
            yield self.value()
            if self.take(",]") == "]":
                return

    def names(self) -> Iterator[str]:
        """The names in the object that begins here; whoever asks reads the value before the next name."""
        self.take("{")
        if self.peek() == "}":
            self.take("}")
            return
        seen: set[str] = set()
        while True:
            name = self._name()
            if name in seen:
                raise self._wrong(f"the member {name[:100]!r} stands twice")
            seen.add(name)
            yield name
            if self.take(",}") == "}":
                return

    def _name(self) -> str:
        if self.peek() != '"':
            raise self._wrong('expected "')
        name: str = self.value()
        self.take(":")
        return name

    def wrong_shape(self, name: str) -> Invalid:
        """A member that should be a list."""
        return Invalid("import.wrong_shape", f"{self._path}: {name} must be a list.")

    def finish(self) -> None:
        """Make sure that nothing follows."""
        if self.peek():
            raise self._wrong("something follows the end")

    def _more(self) -> bool:
        """Read on; False at the end. What was read is let go of."""
        if self._ended:
            return False
        self._lines += self._held.count("\n", 0, self._at)
        self._held, self._at = self._held[self._at :], 0
        if len(self._held) > LARGEST_OBJECT:
            raise self._wrong(f"no JSON, or one object of more than {LARGEST_OBJECT >> 20} MiB")
        try:
            piece = self._stream.read(max(PIECE, len(self._held)))
        except UnicodeDecodeError as error:
            raise Invalid("import.no_text", f"{self._path} is not UTF-8 text (byte {error.start}).") from error
        except OSError as error:
            raise Invalid("import.no_file", f"{self._path} cannot be read: {error.strerror}.") from error
        self._held += piece
        self._ended = not piece
        return bool(piece)

    def _wrong(self, what: str) -> Invalid:
        line = self._lines + self._held.count("\n", 0, self._at)
        return Invalid("import.no_json", f"{self._path} is not JSON: {what} at line {line}.")
