"""What events tell of, as it stands, locked against steps, for a baseline."""

from __future__ import annotations

import uuid
from typing import Any

from chassis.db import Work

ORGANISATION = "SELECT id, key, type, country, status, names, version FROM organisation WHERE id = %s FOR SHARE"
SERVICE = """
SELECT id, organisation_id, key, kind, accepting, urgencies, coverage::text[] AS coverage, status, names, stale, version
  FROM service WHERE id = %s FOR SHARE
"""
MEMBERSHIP = "SELECT id, organisation_id, network_id, started, ended FROM membership WHERE id = %s FOR SHARE"
PARTNERSHIP = """
SELECT i.id, i.key,
       ARRAY(SELECT DISTINCT p.organisation_id FROM initiative_organisation AS p WHERE p.initiative_id = i.id
              ORDER BY 1) AS partner_ids
  FROM initiative AS i WHERE i.id = %s FOR SHARE OF i
"""


def organisation(work: Work, organisation_id: uuid.UUID) -> dict[str, Any] | None:
    """What events tell of an organisation."""
    return work.one(ORGANISATION, (organisation_id,))


def service(work: Work, service_id: uuid.UUID) -> dict[str, Any] | None:
    """What events tell of a service."""
    return work.one(SERVICE, (service_id,))


SERVICES_OF = """
SELECT id, organisation_id, key, kind, accepting, urgencies, coverage::text[] AS coverage, status, names, stale, version
  FROM service WHERE organisation_id = %s AND status = 'published' ORDER BY key
"""
MEMBERSHIPS_OF = """
SELECT m.id, m.organisation_id, m.network_id, m.started, m.ended
  FROM membership AS m JOIN organisation AS o ON o.id = m.organisation_id JOIN organisation AS n ON n.id = m.network_id
 WHERE %(id)s IN (o.id, n.id) AND o.status <> 'joining' AND n.status <> 'joining'
"""


def services_of(work: Work, organisation_id: uuid.UUID) -> list[dict[str, Any]]:
    """What events tell of the published services of an organisation."""
    return work.all(SERVICES_OF, (organisation_id,))


def memberships_of(work: Work, organisation_id: uuid.UUID) -> list[dict[str, Any]]:
    """What events tell of the memberships of an organisation, and in it."""
    return work.all(MEMBERSHIPS_OF, {"id": organisation_id})


def membership(work: Work, membership_id: uuid.UUID) -> dict[str, Any] | None:
    """What events tell of a membership."""
    return work.one(MEMBERSHIP, (membership_id,))


def partnership(work: Work, initiative_id: uuid.UUID) -> dict[str, Any] | None:
    """What events tell of an initiative."""
    return work.one(PARTNERSHIP, (initiative_id,))
