"""Rows of clients that are only shown; never a hash, never a key."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, LiteralString

from chassis.db import Work

COLUMNS: LiteralString = """
SELECT id, name, roles, method, status, version, created_at, created_by, changed_at, changed_by FROM client
"""
ONE: LiteralString = COLUMNS + " WHERE id = %s"
LIST: LiteralString = (
    COLUMNS
    + """
 WHERE %(at)s::timestamptz IS NULL OR (created_at, id) < (%(at)s, %(id)s::uuid)
 ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""
)
CREDENTIALS = """
SELECT client_id, id, jwk ->> 'kid' AS kid, created_at, expires_at FROM client_credential
 WHERE client_id = ANY(%(clients)s) AND (expires_at IS NULL OR expires_at > %(now)s) ORDER BY created_at DESC
"""


def client(work: Work, client_id: uuid.UUID) -> dict[str, Any] | None:
    """One client of the organisation that the work acts for, with its credentials."""
    row = work.one(ONE, (client_id,))
    return _with_credentials(work, [row])[0] if row else None


def clients(work: Work, *, after: tuple[dt.datetime | None, uuid.UUID | None], limit: int) -> list[dict[str, Any]]:
    """The clients of the organisation that the work acts for, newest first."""
    return _with_credentials(work, work.all(LIST, {"at": after[0], "id": after[1], "limit": limit}))


def _with_credentials(work: Work, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = work.all(CREDENTIALS, {"clients": [row["id"] for row in rows], "now": work.now})
    return [{**row, "credentials": [each for each in found if each["client_id"] == row["id"]]} for row in rows]
