"""Who wants to hear of which entry."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from chassis.db import Work

PUT = """
INSERT INTO watch (org_id, section, mark, by_subject, since) VALUES (%(org)s, %(section)s, %(mark)s, %(by)s, %(at)s)
ON CONFLICT DO NOTHING
"""
REMOVE = "DELETE FROM watch WHERE org_id = %(org)s AND section = %(section)s AND mark = %(mark)s"
OF = "SELECT section, mark, since FROM watch WHERE org_id = %s ORDER BY section, mark LIMIT 1000"
# Whoever watches an organisation hears of its services and places too.
WATCHERS = """
SELECT w.org_id, w.section, w.mark FROM watch AS w WHERE w.section = %(section)s AND w.mark = ANY(%(marks)s)
UNION SELECT w.org_id, w.section, w.mark FROM watch AS w JOIN organisation AS o ON o.key = w.mark
       JOIN service AS s ON s.organisation_id = o.id AND %(section)s = 'services' AND s.key = ANY(%(marks)s)
       WHERE w.section = 'organisations'
UNION SELECT w.org_id, w.section, w.mark FROM watch AS w JOIN organisation AS o ON o.key = w.mark
       JOIN location AS l ON l.organisation_id = o.id AND %(section)s = 'locations' AND l.key = ANY(%(marks)s)
       WHERE w.section = 'organisations'
"""


def put(work: Work, org_id: uuid.UUID, section: str, mark: str, by: str) -> None:
    """An organisation watches an entry; a second time changes nothing."""
    values = {"org": org_id, "section": section, "mark": mark, "by": by, "at": work.now}
    work.run(PUT, values, expect=None)


def remove(work: Work, org_id: uuid.UUID, section: str, mark: str) -> None:
    """It does not any more."""
    work.run(REMOVE, {"org": org_id, "section": section, "mark": mark}, expect=None)


def of(work: Work, org_id: uuid.UUID) -> list[dict[str, Any]]:
    """What an organisation watches."""
    return work.all(OF, (org_id,))


def watchers(work: Work, section: str, marks: Sequence[str]) -> list[dict[str, Any]]:
    """Who watches these entries: organisation, and what it watches."""
    return work.all(WATCHERS, {"section": section, "marks": list(marks)})


UNSENT = """
SELECT 1 AS one FROM message WHERE object_id = %(id)s AND recipient_id = %(org)s AND kind = %(kind)s
   AND state IN ('queued', 'failed') LIMIT 1
"""


def is_told(work: Work, org_id: uuid.UUID, object_id: uuid.UUID, kind: str) -> bool:
    """Whether a mail about this object to this organisation still waits: one is enough."""
    with work.acting_for(org_id):
        return work.one(UNSENT, {"id": object_id, "org": org_id, "kind": kind}) is not None
