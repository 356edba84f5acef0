"""A gap that nobody can fill is given up: what waits behind it goes on without the steps that are missing.

An object that was erased has no baseline, so its readers would ask for ever. Only an operator decides this, for the
steps are lost to this service; what arrives of them later counts as old.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chassis.audit import Entry
from chassis.errors import NotFound
from chassis.parked import at
from chassis.settings import Settings

if TYPE_CHECKING:
    from chassis.db import Work


@dataclass(frozen=True, slots=True)
class GivenUp:
    """How many steps are given up, and in how many streams of the object."""

    steps: int
    streams: int


# The gates are locked before anything is read behind them: the service may be filling the gap at this moment.
_HOLD = """
SELECT g.source, g.audience FROM inbox_gate AS g
  JOIN (SELECT DISTINCT source, subject, audience FROM inbox_waiting WHERE subject = %s) AS w
       USING (source, subject, audience)
 ORDER BY g.source, g.audience FOR UPDATE OF g
"""
_FORGET = """
WITH first AS (
    SELECT w.source, w.subject, w.audience, min(w.sequence) - 1 AS last, g.last AS before
      FROM inbox_waiting AS w JOIN inbox_gate AS g USING (source, subject, audience)
     WHERE w.subject = %s AND w.sequence > g.last
     GROUP BY w.source, w.subject, w.audience, g.last
), moved AS (
    UPDATE inbox_gate AS g
       SET last = f.last, floor = f.last, blocked_by = NULL, asked_at = NULL, asks = 0
      FROM first AS f
     WHERE (g.source, g.subject, g.audience) = (f.source, f.subject, f.audience) AND f.last > f.before
    RETURNING f.last - f.before AS steps
)
SELECT coalesce(sum(steps), 0)::bigint AS steps, count(*) AS streams FROM moved
"""


def give_up(work: Work, subject: uuid.UUID) -> GivenUp:
    """Move the gates of an object's streams to just before what waits first; the service's reader then goes on."""
    work.all(_HOLD, (subject,))
    found = work.one(_FORGET, (subject,))
    return GivenUp(found["steps"], found["streams"]) if found else GivenUp(0, 0)


def forget(settings: Settings, service: str, subject: uuid.UUID, *, reason: str) -> GivenUp:
    """Give up the gaps of one object, for a command; `reason` is a code for the audit.

    Raises NotFound when nothing of the object waits for a missing step, and Unavailable.
    """
    with at(settings, service) as desk, desk.begin() as work:
        given = give_up(work, subject)
        if not given.streams:
            message = "Nothing of this object waits for a missing event at this service."
            raise NotFound("stream.nothing_missing", message)
        work.record(
            Entry(
                operation="parked.forget",
                object_type="stream",
                object_id=subject,
                purpose="operation",
                basis=reason,
            )
        )
    return given
