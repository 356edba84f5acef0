"""An organisation or a service as it stands, locked against steps, for a baseline."""

from __future__ import annotations

import uuid
from typing import Any

from chassis.db import Work

ORGANISATION = "SELECT id, key, type, country, status, names, version FROM organisation WHERE id = %s FOR SHARE"
SERVICE = """
SELECT id, organisation_id, key, kind, accepting, urgencies, coverage::text[] AS coverage, status, names, version
  FROM service WHERE id = %s FOR SHARE
"""


def organisation(work: Work, organisation_id: uuid.UUID) -> dict[str, Any] | None:
    """What events tell of an organisation."""
    return work.one(ORGANISATION, (organisation_id,))


def service(work: Work, service_id: uuid.UUID) -> dict[str, Any] | None:
    """What events tell of a service."""
    return work.one(SERVICE, (service_id,))
