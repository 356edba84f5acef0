"""The words of every message, in eight languages, from one file; they say neither who nor what it is about."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from chassis.messages.kinds import Kind

LANGUAGES = ("en", "lt", "lv", "et", "fi", "sv", "nb", "ru")
FALLBACK = "en"
TEXTS = Path(__file__).parent / "texts.json"


def language_of(wanted: str | None) -> str:
    """The language to write in: the main one of a BCP 47 tag where we have it, else English."""
    main = (wanted or "").partition("-")[0].lower()
    return {"no": "nb", "nn": "nb"}.get(main, main) if main in {*LANGUAGES, "no", "nn"} else FALLBACK


def written(kind: Kind, language: str, parameters: dict[str, str]) -> tuple[str, str]:
    """Subject and body. Nothing but what is in `parameters` gets into the body, and nothing into the subject."""
    text = texts()[language_of(language)][kind.text]
    return text["subject"], text["body"].format(**parameters)


@cache
def texts() -> dict[str, Any]:
    """All texts by language and name."""
    found: dict[str, Any] = json.loads(TEXTS.read_bytes())
    return found
