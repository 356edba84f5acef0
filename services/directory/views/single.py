"""One organisation, by key or id."""

from __future__ import annotations

import uuid
from typing import Any

from chassis.db import Work
from chassis.errors import NotFound
from services.directory.rules.codes import fallback_name
from services.directory.rules.explaining import FITS

ORGANISATION = """
SELECT o.id, o.key, o.type, o.country, o.seat, o.founded, o.names, o.status, o.version, o.changed_at,
       p.id AS parent_id, p.key AS parent_key, o.descriptions, o.website, o.email, o.phones, o.contacts, o.identifiers,
       o.funding, o.programs, o.visibility, o.verified_at,
       ARRAY(SELECT s.key::text FROM service AS s WHERE s.organisation_id = o.id AND s.status = 'published'
              ORDER BY s.key) AS services,
       ARRAY(SELECT l.key::text FROM location AS l WHERE l.organisation_id = o.id AND l.status = 'published'
              ORDER BY l.key) AS locations,
       ARRAY(SELECT c.key::text FROM organisation AS c WHERE c.parent_id = o.id AND c.status = 'active'
              ORDER BY c.key) AS units
  FROM organisation AS o LEFT JOIN organisation AS p ON p.id = o.parent_id
 WHERE (o.key = %(reference)s OR o.id = %(id)s) AND o.status = 'active'
"""


def organisation(work: Work, reference: str) -> dict[str, Any]:
    """One organisation with its parts, whoever may see them. Raises NotFound."""
    row = work.one(ORGANISATION, {"reference": reference, "id": _uuid(reference)})
    if row is None:
        raise NotFound
    return organisation_shown(row)


def organisation_shown(row: dict[str, Any]) -> dict[str, Any]:
    """The value that OrganisationView dumps."""
    parent = {"id": row["parent_id"], "key": row["parent_key"]} if row["parent_id"] else None
    return {**row, "name": fallback_name(row["names"]), "parent": parent, **_fit(row)}


def _fit(row: dict[str, Any]) -> dict[str, Any]:
    return {"fit": None if row.get("fit") is None else FITS[row["fit"]]}


def _uuid(reference: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(reference)
    except ValueError:
        return None
