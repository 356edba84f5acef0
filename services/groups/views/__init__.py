"""Rows that are only shown: groups with their pages, and men as staff see them."""

from __future__ import annotations

from services.groups.views.groups import my_groups, own_group, programme, programmes, public_group, public_groups
from services.groups.views.men import (
    PERSONAL,
    alias_of,
    awaiting_intake,
    ended,
    meetings,
    meets_before,
    on_a_card,
    place_of,
    record,
    roster,
    sign_up,
    waited,
)

__all__ = [
    "PERSONAL",
    "alias_of",
    "awaiting_intake",
    "ended",
    "meetings",
    "meets_before",
    "my_groups",
    "on_a_card",
    "own_group",
    "place_of",
    "programme",
    "programmes",
    "public_group",
    "public_groups",
    "record",
    "roster",
    "sign_up",
    "waited",
]
