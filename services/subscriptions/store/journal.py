"""The journal: one row per event and stream, under a position that one writer at a time gives out."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
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


def next_place(work: Work, stream: str) -> Place:
    """Take the stream's next position; other writers of the stream wait until this one has committed."""
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
