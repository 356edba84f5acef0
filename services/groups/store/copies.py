"""The local copy of the directory's organisations."""

from __future__ import annotations

import uuid
from typing import Any

import orjson

from chassis.db import Work

# A copy never goes back: an older event that comes late changes nothing.
KEEP_PARTNER = """
INSERT INTO partner AS p (org_id, key, type, country, status, names, version)
VALUES (%(org_id)s, %(key)s, %(type)s, %(country)s, %(status)s, %(names)s::json, %(version)s)
ON CONFLICT (org_id) DO UPDATE SET key = excluded.key, type = excluded.type, country = excluded.country,
       status = excluded.status, names = excluded.names, version = excluded.version WHERE p.version < excluded.version
"""


OUT = "SELECT 1 AS one FROM partner WHERE org_id = %s AND status <> 'active'"


def is_out(work: Work, org_id: uuid.UUID) -> bool:
    """Whether an organisation takes no part in the network at the moment; one that is not known yet does."""
    return work.one(OUT, (org_id,)) is not None


def keep_partner(work: Work, copy: dict[str, Any]) -> None:
    """Keep the local copy of an organisation."""
    work.later(KEEP_PARTNER, {**copy, "names": orjson.dumps(copy["names"]).decode()}, expect=None)
