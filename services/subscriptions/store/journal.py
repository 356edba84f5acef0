"""The journal: one row per event and stream, under a position that one writer at a time gives out."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, replace
from typing import Any

from chassis.db import Work
from services.subscriptions import rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the next event of a stream stands: the stream's own id, and the position."""

    stream: str
    stream_id: uuid.UUID
    position: int


# The row stays locked until the commit: whoever sees position n sees all before it, and a rollback leaves no gap.
NEXT = """
INSERT INTO stream AS s (name, id, last) VALUES (%s, gen_random_uuid(), 1)
ON CONFLICT (name) DO UPDATE SET last = s.last + 1 RETURNING s.id, s.last
"""
# One writer at a time for all streams: two that take several streams each would wait for one another crosswise.
ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('subscriptions.journal', 0))"
FURTHER = "UPDATE stream SET last = %s WHERE name = %s AND last = %s"


def next_place(work: Work, stream: str) -> Place:
    """Take the stream's next position; other writers of the stream wait until this one has committed."""
    held: Place | None = work.notes.get(("stream", stream))
    place = _first(work, stream) if held is None else replace(held, position=held.position + 1)
    if held is not None:  # the row is locked by this transaction already, so nothing has to be asked
        work.later(FURTHER, (place.position, stream, held.position))
    work.notes["stream", stream] = place
    return place


def _first(work: Work, stream: str) -> Place:
    if not work.notes.get(ALONE):
        work.notes[ALONE] = True
        work.later(ALONE, expect=None)
    row = work.one(NEXT, (stream,))
    if row is None:
        raise LookupError(stream)
    return Place(stream=stream, stream_id=row["id"], position=row["last"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event as outsiders get it; `body` is the very bytes of every way out."""

    place: Place
    event_id: uuid.UUID
    type: str
    body: bytes


WRITE = """
INSERT INTO journal (stream, org_id, position, event_id, type, body, recorded_at)
VALUES (%(stream)s, %(org_id)s, %(position)s, %(event_id)s, %(type)s, %(body)s, %(now)s)
"""


def write(work: Work, entry: Entry) -> None:
    """Keep one event."""
    values = {
        "stream": entry.place.stream,
        "org_id": rules.owner_of(entry.place.stream),
        "position": entry.place.position,
        "event_id": entry.event_id,
        "type": entry.type,
        "body": entry.body,
        "now": work.now,
    }
    work.later(WRITE, values)


# A copy never goes back: an older event that comes late changes nothing.
KEEP_PARTNER = """
INSERT INTO partner AS p (org_id, key, status, version)
VALUES (%(org_id)s, %(key)s, %(status)s, %(version)s)
ON CONFLICT (org_id) DO UPDATE SET key = excluded.key, status = excluded.status, version = excluded.version
 WHERE p.version < excluded.version
"""


def keep_partner(work: Work, copy: dict[str, Any]) -> None:
    """Keep the local copy of an organisation."""
    work.later(KEEP_PARTNER, copy, expect=None)


# Only ever the oldest, as one piece: a moment of writing is taken before the position, so ages may cross, and a row
# taken out of the middle would be a gap that no reader is told of.
SWEEP = """
WITH head AS (SELECT position, recorded_at FROM journal WHERE stream = %(stream)s ORDER BY position LIMIT %(most)s)
DELETE FROM journal
 WHERE stream = %(stream)s
   AND position < coalesce((SELECT min(position) FROM head WHERE recorded_at >= %(before)s),
                           (SELECT max(position) + 1 FROM head))
"""


def sweep(work: Work, stream: str, *, before: dt.datetime, most: int) -> int:
    """Delete the oldest events of a stream that were written before a moment, some at a time; returns how many."""
    return work.run(SWEEP, {"stream": stream, "before": before, "most": most}, expect=None)
