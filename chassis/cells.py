"""Cells of tables for spreadsheet programs: what a program would run as a formula is made harmless before."""

from __future__ import annotations

ACTIVE = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so would be run as a formula by a spreadsheet (OWASP, CSV injection)."""


def harmless(text: str) -> str:
    """The text as a cell that is only text."""
    return f"'{text}" if text.startswith(ACTIVE) else text
