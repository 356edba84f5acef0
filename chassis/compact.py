"""Reads signed tokens strictly, before any signature is looked at: form, characters, one JSON object without repeats.

Whoever wrote the token is not known yet, so nothing here may be slow, deep or lenient.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+").fullmatch
_DEEPEST = 20


def read_parts(token: str, *, longest: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token in compact form, not verified. Raises ValueError or TypeError.

    Base64url has one spelling only here: a signature or payload that can be written in two ways would be two tokens.
    """
    if len(token) > longest or _FORM(token) is None:
        raise ValueError
    header, payload, _ = (_decoded(part) for part in token.split("."))
    return _object(header), _object(payload)


def _decoded(part: str) -> bytes:
    found = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if base64.urlsafe_b64encode(found).rstrip(b"=") != part.encode("ascii"):
        raise ValueError
    return found


def _object(text: bytes) -> dict[str, Any]:
    # counted first: the parser would go as deep as it is led
    if text.count(b"{") + text.count(b"[") > _DEEPEST:
        raise ValueError
    value = json.loads(text.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refused)
    if not isinstance(value, dict):
        raise TypeError
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def _refused(_: str) -> None:
    raise ValueError
