"""Rows of tasks: what the house asks people of one organisation to do about a referral."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import asdict, dataclass
from typing import Any

from chassis import clock
from chassis.db import Work
from chassis.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task to be given; `since` is the moment it follows from."""

    org_id: uuid.UUID
    referral_id: uuid.UUID
    side: str
    kind: str
    for_role: str
    since: dt.datetime
    due_at: dt.datetime


ADD = """
INSERT INTO task (id, org_id, referral_id, side, kind, for_role, since, due_at, created_at)
VALUES (%(id)s, %(org_id)s, %(referral_id)s, %(side)s, %(kind)s, %(for_role)s, %(since)s, %(due_at)s, %(at)s)
ON CONFLICT ON CONSTRAINT task_once DO NOTHING
"""


def add(work: Work, task: Task) -> bool:
    """Give a task to an organisation; False where the same one from the same moment is there already."""
    with work.acting_for(task.org_id):
        return work.run(ADD, {**asdict(task), "id": clock.new_id(), "at": work.now}, expect=None) == 1


LOCK = """
SELECT t.id, t.referral_id, t.side, t.kind, t.for_role, t.done_at,
       coalesce(r.unit, c.unit) AS unit, coalesce(r.worker, c.worker) AS worker,
       coalesce(r.restricted, c.restricted) AS restricted,
       (SELECT coalesce(array_agg(m.kind), '{}') FROM case_member AS m
         WHERE m.referral_id = t.referral_id AND m.subject = %(subject)s) AS member
  FROM task AS t
  LEFT JOIN sender_record AS r ON t.side = 'sender' AND r.id = t.referral_id
  LEFT JOIN receiver_case AS c ON t.side = 'receiver' AND c.id = t.referral_id
 WHERE t.id = %(id)s AND coalesce(r.id, c.id) IS NOT NULL FOR UPDATE OF t
"""


def lock(work: Work, task_id: uuid.UUID, subject: str) -> dict[str, Any]:
    """A task of the acting organisation, and who may open its case. Raises NotFound."""
    row = work.one(LOCK, {"id": task_id, "subject": subject})
    if row is None:
        raise NotFound
    return row


DONE = "UPDATE task SET done_at = %s, done_by = %s WHERE id = %s AND done_at IS NULL"


def done(work: Work, task_id: uuid.UUID, *, by: str) -> None:
    """Note that it was done, and by whom."""
    work.later(DONE, (work.now, by, task_id))


DROP = """
UPDATE task SET done_at = %s, done_by = 'system' WHERE referral_id = %s AND kind = ANY (%s) AND done_at IS NULL
"""


def drop(work: Work, referral_id: uuid.UUID, org: uuid.UUID, kinds: tuple[str, ...]) -> None:
    """Nobody of the organisation has to do these any more."""
    with work.acting_for(org):
        work.later(DROP, (work.now, referral_id, list(kinds)), expect=None)
