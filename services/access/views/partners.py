"""Rows that are only shown: the keys of all organisations, for a hint."""

from __future__ import annotations

from chassis.db import Work

KEYS = "SELECT key FROM partner ORDER BY key"


def organisation_keys(work: Work) -> list[str]:
    """Every organisation's key."""
    return [row["key"] for row in work.all(KEYS)]
