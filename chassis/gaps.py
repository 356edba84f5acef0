"""What streams miss: it is found, asked for, and let go by what waits already (bus.md section 4).

The reader of a service looks every few seconds; nothing here is needed for an event that comes in its turn.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING
from uuid import UUID

from chassis import republish
from chassis.envelope import Unreadable
from chassis.inbox import KEEP_DAYS, Kept

if TYPE_CHECKING:
    from chassis.db import Work

log = logging.getLogger(__name__)

STREAMS_AT_ONCE = 100
CLEANED_AT_ONCE = 5_000
MOST_DOUBLINGS = 7
"""A gap is asked about after a pause that doubles with every question, up to 128 times the first."""


_READY = """
SELECT DISTINCT w.source, w.subject, w.audience
  FROM inbox_waiting w JOIN inbox_gate g USING (source, subject, audience) WHERE w.sequence = g.last + 1 LIMIT %s
"""

_OUTDATED = """
DELETE FROM inbox_waiting w USING inbox_gate g
 WHERE (g.source, g.subject, g.audience) = (w.source, w.subject, w.audience) AND w.sequence <= g.last
"""


def ready_streams(work: Work) -> list[tuple[str, UUID, str]]:
    """Streams that can go on by what waits here already, for instance after an operator dropped an event."""
    work.run(_OUTDATED, expect=None)
    return [(row["source"], row["subject"], row["audience"]) for row in work.all(_READY, (STREAMS_AT_ONCE,))]


# Behind an event that failed nothing is missing as long as that one is on the ladder or parked; see `unblock`.
_MISSING = """
SELECT w.event_id, w.source, w.subject, w.audience, g.last, w.body, w.headers
  FROM (SELECT DISTINCT ON (source, subject, audience) * FROM inbox_waiting
         ORDER BY source, subject, audience, since) AS w
  JOIN inbox_gate AS g USING (source, subject, audience)
 WHERE g.blocked_by IS NULL AND w.since < %(now)s - %(pause)s
   AND (g.asked_at IS NULL OR g.asked_at < %(now)s - %(pause)s * 2 ^ least(g.asks, %(doublings)s))
 LIMIT %(limit)s
"""
_ASKED = """
UPDATE inbox_gate SET asked_at = %s, asks = asks + 1 WHERE source = %s AND subject = %s AND audience = %s
"""


def ask_for_missing(work: Work, pause: dt.timedelta) -> int:
    """Ask the publishers for what streams have been missing for longer than `pause`; returns how many streams."""
    rows = work.all(_MISSING, {"now": work.now, "pause": pause, "doublings": MOST_DOUBLINGS, "limit": STREAMS_AT_ONCE})
    asked = 0
    for row in rows:
        work.later(_ASKED, (work.now, row["source"], row["subject"], row["audience"]))
        try:
            waiting = Kept(bytes(row["body"]), row["headers"]).read()
        except Unreadable as error:  # by older code it was; the other streams must not wait for it
            log.error("waiting event unreadable", extra={"event_id": str(row["event_id"]), "reason": error.reason})  # noqa: TRY400 - its text may hold data
            continue
        stream = republish.Stream(waiting.type.partition(".")[0], row["subject"], row["audience"])
        republish.request(work, row["source"], stream, row["last"] + 1)
        asked += 1
    return asked


_UNBLOCK = """
UPDATE inbox_gate AS g SET blocked_by = NULL
  FROM (SELECT DISTINCT source, subject, audience FROM inbox_waiting WHERE since < %s) AS w
 WHERE (g.source, g.subject, g.audience) = (w.source, w.subject, w.audience) AND g.blocked_by IS NOT NULL
"""


def unblock(work: Work, before: dt.datetime) -> int:
    """Release streams held up since `before` by events that are nowhere any more; then they are asked for as gaps."""
    return work.run(_UNBLOCK, (before,), expect=None)


_CLEAN = """
DELETE FROM inbox WHERE event_id IN (
    SELECT event_id FROM inbox WHERE received_at < %s - make_interval(days => %s) LIMIT %s)
"""


def clean(work: Work) -> int:
    """Forget ids received long ago, some at a time; returns how many. The gate goes on knowing that they are older."""
    return work.run(_CLEAN, (work.now, KEEP_DAYS, CLEANED_AT_ONCE), expect=None)
