"""Opaque keyset cursors: where a list goes on, as text that a client passes back unchanged (http-api.md, paging)."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import uuid
from typing import Any

import orjson

from chassis.errors import Malformed

MOST = 200
DEFAULT = 50


def cursor_of(at: dt.datetime, row_id: uuid.UUID) -> str:
    """The cursor behind the row with this time and id."""
    return base64.urlsafe_b64encode(orjson.dumps([at.isoformat(), str(row_id)])).decode("ascii").rstrip("=")


def position(cursor: str | None) -> tuple[dt.datetime | None, uuid.UUID | None]:
    """Time and id that a cursor stands for, or two Nones for the start. Raises Malformed."""
    if cursor is None:
        return (None, None)
    try:
        at, row_id = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        moment = dt.datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError
        return (moment, uuid.UUID(row_id))
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise Malformed("cursor.invalid", "The cursor is not one that this list gave.") from error


def page(rows: list[dict[str, Any]], limit: int, *, by: str) -> dict[str, Any]:
    """The list's shape from `limit` + 1 rows; `by` names the column with the time that the list is ordered by."""
    items = rows[:limit]
    following = cursor_of(items[-1][by], items[-1]["id"]) if len(rows) > limit else None
    return {"items": items, "next": following}


HIGHEST_RANK = 2_147_483_647
LONGEST_KEY = 200


def ranked_position(cursor: str | None) -> tuple[int | None, str | None]:
    """Rank and key that a cursor of a ranked list stands for, or two Nones for the start. Raises Malformed."""
    if cursor is None:
        return (None, None)
    try:
        rank, key = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if type(rank) is not int or not 0 <= rank <= HIGHEST_RANK:
            raise ValueError
        if not isinstance(key, str) or len(key) > LONGEST_KEY or "\x00" in key:
            raise ValueError
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise Malformed("cursor.invalid", "The cursor is not one that this list gave.") from error
    return (rank, key)


def ranked_page(rows: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    """The list's shape from `limit` + 1 rows ordered by `rank` (highest first) and `key`."""
    items = rows[:limit]
    following = None
    if len(rows) > limit:
        place = orjson.dumps([items[-1]["rank"], str(items[-1]["key"])])
        following = base64.urlsafe_b64encode(place).decode("ascii").rstrip("=")
    return {"items": items, "next": following}
