"""Reads JSON strictly: depth, repeated members and characters that no database takes are refused."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from chassis.errors import FieldError, Invalid, Malformed

DEEPEST = 20
_MEMBER = re.compile(rb'"[ \t\r\n]*:').findall


def read_json(raw: bytes) -> Any:
    """Parse a body. Raises Malformed for what is no JSON or too deep, Invalid for repeated members."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        # orjson's position is a place, not a value; its text may quote the body, so only the place goes on.
        detail = f"The body is not valid JSON (line {error.lineno}, column {error.colno})."
        raise Malformed("json.malformed", detail) from None
    if b"\\u0000" in raw:
        raise Malformed("json.null_character", "The null character is not accepted in texts.")
    # Brackets in texts make this count too high, never too low: only then the exact look is needed.
    if raw.count(b"{") + raw.count(b"[") > DEEPEST and _too_deep(value):
        raise Malformed("json.too_deep", f"At most {DEEPEST} levels of nesting are read.")
    # orjson keeps the last of two equal members; two readers of one body must not see different things.
    if len(_MEMBER(raw)) != _members(value):
        _refuse_repeated(raw)
    return value


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
    return bool(level)


def _members(value: Any) -> int:
    total, waiting = 0, [value]
    while waiting:
        outer = waiting.pop()
        if type(outer) is dict:
            total += len(outer)
            waiting.extend(inner for inner in outer.values() if type(inner) in (dict, list))
        elif type(outer) is list:
            waiting.extend(inner for inner in outer if type(inner) in (dict, list))
    return total


def _refuse_repeated(raw: bytes) -> None:
    repeated: list[str] = []

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for name, inner in pairs:
            if name in members:
                repeated.append(name)
            members[name] = inner
        return members

    json.loads(raw, object_pairs_hook=once)
    if repeated:
        faults = tuple(FieldError(f"/{name[:100]}", "repeated", "This field may come only once.") for name in repeated)
        raise Invalid("body.repeated_field", "A field is there more than once.", fields=faults)
