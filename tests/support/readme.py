"""What README.md shows: its shell blocks and the answers it prints under them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    """The fenced blocks of one kind, in order."""
    return re.findall(rf"^```{kind}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def referral() -> Any:
    """The body that README posts."""
    return orjson.loads(re.findall(r"-d '(\{.*?\})'\n", blocks("sh")[0], re.DOTALL)[0])


def shape(value: Any) -> Any:
    """Names and kinds without the values; of a list its first entry."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__
