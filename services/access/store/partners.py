"""Rows that a decision needs: the copy of the organisations."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from chassis.db import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """The copy of an organisation."""

    org_id: uuid.UUID
    key: str
    status: str


ORGANISATION = "SELECT org_id, key, status FROM partner WHERE key = %(named)s OR org_id::text = lower(%(named)s)"


def organisation(work: Work, named: str) -> Organisation | None:
    """The copy of the organisation with this key or id."""
    row = work.one(ORGANISATION, {"named": named})
    return Organisation(**row) if row else None


# A copy never goes back: an older event that comes late changes nothing.
KEEP_PARTNER = """
INSERT INTO partner AS p (org_id, key, type, country, status, version)
VALUES (%(org_id)s, %(key)s, %(type)s, %(country)s, %(status)s, %(version)s)
ON CONFLICT (org_id) DO UPDATE SET key = excluded.key, type = excluded.type, country = excluded.country,
       status = excluded.status, version = excluded.version WHERE p.version < excluded.version
"""


def keep_partner(work: Work, copy: dict[str, Any]) -> None:
    """Keep the local copy of an organisation."""
    work.run(KEEP_PARTNER, copy, expect=None)
