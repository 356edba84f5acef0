"""What makes a secret unfit: too short, a word that everybody tries, a pattern, or a file that others may read."""

from __future__ import annotations

import stat
from pathlib import Path

SHORTEST = 32
FEWEST_DIFFERENT = 8
WORDS = ("guest", "changeme", "change-me", "password", "secret", "default", "example", "tukiverkko", "admin")
MOUNTED = Path("/run/secrets")
"""Where containers get their secrets; the engine decides on the mode there, and nobody else lives inside."""


def weakness(text: str) -> str | None:
    """Why this is no secret, as the end of a sentence; None when it may be one."""
    if len(text) < SHORTEST:
        return f"is shorter than {SHORTEST} characters"
    if len(set(text)) < FEWEST_DIFFERENT or text in (text + text)[1:-1]:
        return "repeats itself"
    rest = text.lower()
    for word in WORDS:
        rest = rest.replace(word, "")
    return "is made of words that everybody tries" if len(rest) < SHORTEST // 2 else None


def exposure(path: Path) -> str | None:
    """Why this file is open to others, as the end of a sentence; None when it is not, or a container mounted it."""
    if path.is_relative_to(MOUNTED) or not stat.S_IMODE(path.stat().st_mode) & 0o077:
        return None
    return "may be read by others; set its mode to 0600"
