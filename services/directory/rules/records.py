"""What everybody may know of a row, in the words of a directory file: feed and export say the same bytes.

A record can be imported again as it is (directory.md sections 3 and 5).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from services.directory.rules import visibility
from services.directory.rules.sections import BY_NAME, Row

EMPTY: tuple[Any, ...] = (None, [], {})


def record(section: str, row: Row, viewer: visibility.Viewer = visibility.NOBODY) -> dict[str, Any]:
    """The fields of a row that this viewer may see and that say something, as a file has them."""
    shown = visibility.shown(section, row, viewer)
    made: dict[str, Any] = {}
    for field in BY_NAME[section].fields:
        value = shown.get(field.column)
        if value in EMPTY or field.name == "visibility":
            continue
        outer, dot, inner = field.name.partition(".")
        if dot:
            made.setdefault(outer, {})[inner] = value
        else:
            made[field.name] = value
    if made.get("accepting_source") not in {"page", "demo"}:  # a file may not say that the organisation said so
        made.pop("accepting_source", None)
    return made


def written(value: Mapping[str, Any]) -> str:
    """The one way in which a record is written: members by name, no spaces."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
