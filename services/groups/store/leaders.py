"""Who leads a group, and from when until when."""

from __future__ import annotations

import uuid
from typing import Any

from chassis import clock
from chassis.db import Work

ASSIGN = """
INSERT INTO leader_assignment (id, org_id, group_id, subject, alias, role, from_at, to_at)
SELECT %(id)s, g.org_id, g.id, %(subject)s, %(alias)s, %(role)s, %(now)s, %(until)s FROM peer_group AS g
 WHERE g.id = %(group)s
ON CONFLICT (group_id, subject) DO UPDATE
   SET alias = excluded.alias, role = excluded.role, from_at = excluded.from_at, to_at = excluded.to_at
 WHERE leader_assignment.to_at IS NOT NULL
"""


def assign(work: Work, group_id: uuid.UUID, leader: dict[str, Any]) -> bool:
    """Write that somebody leads from now on; False where he does so already without an end."""
    values = {name: leader[name] for name in ("subject", "alias", "role", "until")}
    return work.run(ASSIGN, {**values, "id": clock.new_id(), "group": group_id, "now": work.now}, expect=None) == 1


END = """
UPDATE leader_assignment SET to_at = %(now)s
 WHERE group_id = %(group)s AND subject = %(subject)s AND (to_at IS NULL OR to_at > %(now)s)
"""


def end(work: Work, group_id: uuid.UUID, subject: str) -> bool:
    """Write that somebody leads no longer; False where he does not."""
    return work.run(END, {"group": group_id, "subject": subject, "now": work.now}, expect=None) == 1


COUNT = """
SELECT count(*) AS found FROM leader_assignment
 WHERE group_id = %(group)s AND from_at <= %(now)s AND (to_at IS NULL OR to_at > %(now)s)
"""


def count(work: Work, group_id: uuid.UUID) -> int:
    """How many lead a group now."""
    row = work.one(COUNT, {"group": group_id, "now": work.now})
    return int(row["found"]) if row else 0


LATEST = """
SELECT subject FROM leader_assignment WHERE group_id = %s ORDER BY from_at DESC, subject LIMIT 1
"""


def latest(work: Work, group_id: uuid.UUID) -> str | None:
    """Who was assigned last."""
    row = work.one(LATEST, (group_id,))
    return row["subject"] if row else None
