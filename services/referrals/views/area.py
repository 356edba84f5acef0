"""Cards of the area queue as a candidate sees them."""

from __future__ import annotations

import uuid
from typing import Any

from chassis.db import Work
from chassis.errors import NotFound

CARD = "area_offer|card"

LIST = """
SELECT id, urgency, respond_by, made_at, key_id, card FROM area_offer
 WHERE state = 'open' AND (%(at)s::timestamptz IS NULL OR (made_at, id) < (%(at)s, %(after)s::uuid))
 ORDER BY made_at DESC, id DESC LIMIT %(limit)s
"""


def cards(work: Work, *, after: tuple[Any, Any], limit: int) -> list[dict[str, Any]]:
    """Open cards of the acting organisation, newest first; `after` is (made_at, id) of the last seen."""
    return _opened(work, work.all(LIST, {"at": after[0], "after": after[1], "limit": limit}))


ONE = "SELECT id, urgency, respond_by, made_at, key_id, card FROM area_offer WHERE id = %s AND state = 'open'"
STANDING = "SELECT state, urgency, respond_by FROM area_offer WHERE id = %s"


def card(work: Work, offer_id: uuid.UUID) -> dict[str, Any]:
    """One open card. Raises NotFound."""
    row = work.one(ONE, (offer_id,))
    if row is None:
        raise NotFound
    return _opened(work, [row])[0]


def standing(work: Work, offer_id: uuid.UUID) -> dict[str, Any] | None:
    """State, urgency and respond_by of a card, open or not."""
    return work.one(STANDING, (offer_id,))


def _opened(work: Work, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    keys = work.keys.fetch([row["key_id"] for row in rows])
    return [
        {**row, **keys[row["key_id"]].unseal(CARD, row["id"], row["card"])} for row in rows if row["key_id"] in keys
    ]
