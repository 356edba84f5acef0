"""Reads a directory file, or says in one sentence why it cannot be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chassis.errors import Invalid

LARGEST_FILE = 10 << 20


def read_document(path: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises Invalid when it is missing, too large, no text, no JSON or no object."""
    document = _parsed(path, _text(path))
    if not isinstance(document, dict):
        raise Invalid("import.wrong_shape", f"{path} must hold one JSON object with sections such as organisations.")
    return document


def _text(path: Path) -> str:
    try:
        content = path.read_bytes() if path.stat().st_size <= LARGEST_FILE else None
    except OSError as error:
        raise Invalid("import.no_file", f"{path} cannot be read: {error.strerror}.") from error
    if content is None:
        raise Invalid("import.too_large", f"{path} is larger than {LARGEST_FILE >> 20} MiB.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid("import.no_text", f"{path} is not UTF-8 text (byte {error.start}).") from error


def _parsed(path: Path, text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=once, parse_constant=no_number)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Invalid("import.no_json", f"{path} is not JSON: {error.msg} at {where}.") from error
    except RecursionError as error:
        raise Invalid("import.no_json", f"{path} is nested too deeply.") from error
    except ValueError as error:
        raise Invalid("import.no_json", f"{path} is not JSON: {error}.") from error


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose members stand in it once. Raises ValueError."""
    members = dict(pairs)
    if len(members) != len(pairs):  # the last one would win without a word
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        message = f"the member {twice!r} stands twice in one object"
        raise ValueError(message)
    return members


def no_number(word: str) -> Any:
    """Refuse NaN and Infinity. Raises ValueError."""
    message = f"{word} is no number of JSON"
    raise ValueError(message)
