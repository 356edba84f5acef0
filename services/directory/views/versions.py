"""The history of an entry, field by field."""

from __future__ import annotations

from typing import Any

from chassis.db import Work
from services.directory.rules.sections import LOCATIONS, ORGANISATIONS, SERVICES

KINDS = {ORGANISATIONS: "organisation", LOCATIONS: "location", SERVICES: "service"}
HISTORY = """
SELECT no, last_action_at AS at, updated_by AS by, last_action_type AS action, field_name AS field,
       previous_value AS before, replacement_value AS after
  FROM metadata
 WHERE resource_type = %(kind)s AND (%(before)s::bigint IS NULL OR no < %(before)s)
   AND resource_id = (SELECT id FROM organisation WHERE %(kind)s = 'organisation' AND key = %(key)s
                UNION ALL SELECT id FROM location WHERE %(kind)s = 'location' AND key = %(key)s
                UNION ALL SELECT id FROM service WHERE %(kind)s = 'service' AND key = %(key)s)
 ORDER BY no DESC LIMIT %(limit)s
"""


def history(work: Work, section: str, key: str, before: int | None, limit: int) -> list[dict[str, Any]]:
    """Lines of one entry, the newest first."""
    return work.all(HISTORY, {"kind": KINDS[section], "key": key, "before": before, "limit": limit})
