"""Rows that are only shown: groups with their pages, and men as staff see them."""

from __future__ import annotations

from services.groups.views.groups import my_groups, own_group, programme, programmes, public_group, public_groups
from services.groups.views.men import PERSONAL, alias_of, awaiting_intake, record, roster, sign_up

__all__ = [
    "PERSONAL",
    "alias_of",
    "awaiting_intake",
    "my_groups",
    "own_group",
    "programme",
    "programmes",
    "public_group",
    "public_groups",
    "record",
    "roster",
    "sign_up",
]
