"""One organisation or one service, by key or id."""

from __future__ import annotations

import uuid
from typing import Any

from chassis.db import Work
from chassis.errors import NotFound
from services.directory.rules.codes import FITS, fallback_name

ORGANISATION = """
SELECT o.id, o.key, o.type, o.country, o.seat, o.founded, o.names, o.status, o.version, o.changed_at,
       p.id AS parent_id, p.key AS parent_key
  FROM organisation AS o LEFT JOIN organisation AS p ON p.id = o.parent_id
 WHERE o.key = %(reference)s OR o.id = %(id)s
"""
SERVICE = """
SELECT s.id, s.key, s.kind, s.channels, s.languages, s.coverage, s.names, s.about, s.started, s.accepting,
       s.accepting_source, s.urgencies, s.status, s.version, s.changed_at, o.id AS organisation_id,
       o.key AS organisation_key,
       ARRAY(SELECT jsonb_build_object('id', w.id, 'key', w.key) FROM service_partner AS p
               JOIN organisation AS w ON w.id = p.organisation_id WHERE p.service_id = s.id
              ORDER BY p.place) AS partners
  FROM service AS s JOIN organisation AS o ON o.id = s.organisation_id
 WHERE s.key = %(reference)s OR s.id = %(id)s
"""


def organisation(work: Work, reference: str) -> dict[str, Any]:
    """One organisation. Raises NotFound."""
    row = work.one(ORGANISATION, {"reference": reference, "id": _uuid(reference)})
    if row is None:
        raise NotFound
    return organisation_shown(row)


def service(work: Work, reference: str) -> dict[str, Any]:
    """One service. Raises NotFound."""
    row = work.one(SERVICE, {"reference": reference, "id": _uuid(reference)})
    if row is None:
        raise NotFound
    return service_shown(row)


def organisation_shown(row: dict[str, Any]) -> dict[str, Any]:
    """The value that OrganisationView dumps."""
    parent = {"id": row["parent_id"], "key": row["parent_key"]} if row["parent_id"] else None
    return {**row, "name": fallback_name(row["names"]), "parent": parent, **_fit(row)}


def service_shown(row: dict[str, Any]) -> dict[str, Any]:
    """The value that ServiceView dumps."""
    own = {"id": row["organisation_id"], "key": row["organisation_key"]}
    return {**row, "name": fallback_name(row["names"]), "organisation": own, **_fit(row)}


def _fit(row: dict[str, Any]) -> dict[str, Any]:
    return {"fit": None if row.get("fit") is None else FITS[row["fit"]]}


def _uuid(reference: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(reference)
    except ValueError:
        return None
