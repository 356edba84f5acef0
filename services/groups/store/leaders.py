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
RETURNING id
"""


def assign(work: Work, group_id: uuid.UUID, leader: dict[str, Any]) -> uuid.UUID | None:
    """Write that somebody leads from now on, and give the assignment; None where he does so already without an end."""
    values = {name: leader[name] for name in ("subject", "alias", "role", "until")}
    row = work.one(ASSIGN, {**values, "id": clock.new_id(), "group": group_id, "now": work.now})
    return row["id"] if row else None


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


ONE = "SELECT group_id, subject FROM leader_assignment WHERE id = %s"


def one(work: Work, assignment_id: uuid.UUID) -> dict[str, Any] | None:
    """Who leads which group by an assignment."""
    return work.one(ONE, (assignment_id,))
