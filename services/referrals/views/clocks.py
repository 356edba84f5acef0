"""Clocks, tasks and a service's own figures, as they are only shown."""

from __future__ import annotations

import uuid
from typing import Any

from chassis.db import Work
from chassis.errors import NotFound
from services.referrals.rules.clocks import Clock

RUNNING = """
SELECT code, turn, started_at, due_at, paused_at, stopped_at, extended, steps, level, acts
  FROM clock WHERE referral_id = %s ORDER BY code
"""


def running(work: Work, referral_id: uuid.UUID) -> dict[str, Clock]:
    """The clocks that the acting organisation has of a referral."""
    rows = work.all(RUNNING, (referral_id,))
    return {row["code"]: Clock(**{**row, "steps": tuple(row["steps"])}) for row in rows}


# The tasks of cases that the reader may open himself, by side and for whom they are.
TASKS = """
SELECT t.id, t.referral_id, t.side, t.kind, t.for_role, t.due_at, t.created_at, t.done_at, t.done_by,
       coalesce(r.urgency, c.urgency) AS urgency, coalesce(r.state, c.state) AS state
  FROM task AS t
  LEFT JOIN sender_record AS r ON t.side = 'sender' AND r.id = t.referral_id
  LEFT JOIN receiver_case AS c ON t.side = 'receiver' AND c.id = t.referral_id
 WHERE coalesce(r.id, c.id) IS NOT NULL AND (t.done_at IS NOT NULL) = %(done)s
   AND t.side || '.' || t.for_role = ANY (%(mine)s)
   AND (coalesce(r.kind, c.kind) <> 'child_concern' OR t.side = 'receiver' OR r.worker = %(subject)s
        OR %(concern_lead)s)
   AND (%(kind)s::text IS NULL OR t.kind = %(kind)s)
   AND (%(at)s::timestamptz IS NULL OR (t.due_at, t.id) > (%(at)s, %(after)s::uuid))
   AND (NOT coalesce(r.restricted, c.restricted)
        OR EXISTS (SELECT FROM case_member AS m WHERE m.org_id = t.org_id AND m.referral_id = t.referral_id
                      AND m.subject = %(subject)s AND m.kind = 'named'))
   AND NOT EXISTS (SELECT FROM case_member AS m WHERE m.org_id = t.org_id AND m.referral_id = t.referral_id
                      AND m.subject = %(subject)s AND m.kind = 'barred')
   AND (%(all_units)s OR t.side || '.' || t.for_role = ANY (%(over_units)s)
        OR coalesce(r.restricted, c.restricted) OR coalesce(r.unit, c.unit) IS NULL
        OR coalesce(r.unit, c.unit) = ANY (%(units)s) OR coalesce(r.worker, c.worker) = %(subject)s)
 ORDER BY t.due_at, t.id LIMIT %(limit)s
"""


def tasks(work: Work, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """Tasks, those due first; `wanted` says whose, which and from where on."""
    return work.all(TASKS, wanted)


TASK = """
SELECT t.id, t.referral_id, t.side, t.kind, t.for_role, t.due_at, t.created_at, t.done_at, t.done_by,
       coalesce(r.urgency, c.urgency) AS urgency, coalesce(r.state, c.state) AS state
  FROM task AS t
  LEFT JOIN sender_record AS r ON t.side = 'sender' AND r.id = t.referral_id
  LEFT JOIN receiver_case AS c ON t.side = 'receiver' AND c.id = t.referral_id WHERE t.id = %s
"""


def task(work: Work, task_id: uuid.UUID) -> dict[str, Any]:
    """One task of the acting organisation. Raises NotFound."""
    row = work.one(TASK, (task_id,))
    if row is None:
        raise NotFound
    return row


SETTINGS = """
SELECT s.service_id, v.key AS service_key, s.code AS clock, s.urgency, s.amount, s.effective_on, s.set_at, s.set_by
  FROM clock_setting AS s LEFT JOIN partner_service AS v USING (service_id)
 ORDER BY v.key, s.code, s.urgency, s.effective_on DESC LIMIT 2000
"""


def settings(work: Work) -> list[dict[str, Any]]:
    """The acting organisation's own figures, the later ones first."""
    rows = work.all(SETTINGS)
    return [{**row, "service": {"id": row["service_id"], "key": row["service_key"]}} for row in rows]
