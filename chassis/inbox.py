"""The inbox: each event applies once and in order, whatever the broker delivers (bus.md section 4).

The gate of a stream (source, subject, audience) holds the last sequence applied. The next one is applied in the same
transaction that moves the gate; a later one waits in a table; an older one is done already.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

from chassis import envelope

if TYPE_CHECKING:
    from chassis.db import Work
    from chassis.envelope import Received

Handler = Callable[["Work", "Received"], None]

KEEP_DAYS = 30
STREAMS_AT_ONCE = 100


class Fate(enum.Enum):
    """What became of one event."""

    APPLIED = "applied"
    SEEN = "seen"
    OLDER = "older"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The fate of an event, and whether others of its stream wait here and may now be next."""

    fate: Fate
    followed: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """A message as it came, so that it can wait in a table or travel to another queue unchanged."""

    body: bytes
    headers: Mapping[str, Any]

    def read(self) -> Received:
        """Decode it; raises Unreadable."""
        return envelope.decode(self.body, self.headers)


_GATE = """
WITH gate AS (
    INSERT INTO inbox_gate (source, subject, audience, last)
    VALUES (%(source)s, %(subject)s, %(audience)s, 0)
    ON CONFLICT (source, subject, audience) DO UPDATE SET last = inbox_gate.last
    RETURNING last, blocked_by
)
SELECT last, blocked_by, EXISTS (SELECT FROM inbox WHERE event_id = %(id)s) AS seen,
       EXISTS (SELECT FROM inbox_waiting WHERE source = %(source)s AND subject = %(subject)s
                                           AND audience = %(audience)s) AS followed
  FROM gate
"""


_MOVE = """
WITH moved AS (
    UPDATE inbox_gate SET last = %(sequence)s, blocked_by = NULL
     WHERE source = %(source)s AND subject = %(subject)s AND audience = %(audience)s RETURNING 1
), gone AS (
    DELETE FROM inbox_waiting WHERE event_id = %(id)s
)
INSERT INTO inbox (event_id, received_at) SELECT %(id)s, %(now)s FROM moved
"""


def apply(work: Work, event: Received, handler: Handler, *, kept: Kept) -> Verdict:
    """Judge one event and, if it is the next of its stream, run `handler` in the same transaction."""
    where = _where(event)
    gate = work.one(_GATE, where) or {"seen": True, "followed": False}  # the statement always has its one row
    if gate["seen"] or event.sequence <= gate["last"]:
        return Verdict(Fate.SEEN if gate["seen"] else Fate.OLDER, gate["followed"])
    if event.sequence > gate["last"] + 1:
        _wait(work, event, kept, "blocked" if gate["blocked_by"] else "gap")
        return Verdict(Fate.WAITING, followed=False)
    work.later(_MOVE, {**where, "sequence": event.sequence, "now": work.now})
    handler(work, event)
    return Verdict(Fate.APPLIED, gate["followed"])


_WAIT = """
INSERT INTO inbox_waiting (event_id, source, subject, audience, sequence, body, headers, reason, since)
VALUES (%(id)s, %(source)s, %(subject)s, %(audience)s, %(sequence)s, %(body)s, %(headers)s::json, %(reason)s, %(now)s)
ON CONFLICT (event_id) DO NOTHING
"""


def _wait(work: Work, event: Received, kept: Kept, reason: str) -> None:
    row = {"sequence": event.sequence, "body": kept.body, "reason": reason, "now": work.now}
    work.run(_WAIT, {**_where(event), **row, "headers": orjson.dumps(dict(kept.headers)).decode()}, expect=None)


_NEXT = """
SELECT w.body, w.headers FROM inbox_gate g JOIN inbox_waiting w USING (source, subject, audience)
 WHERE g.source = %s AND g.subject = %s AND g.audience = %s AND w.sequence = g.last + 1 LIMIT 1
"""


def next_waiting(work: Work, source: str, subject: UUID, audience: str) -> Kept | None:
    """The waiting event of a stream whose turn has come."""
    row = work.one(_NEXT, (source, subject, audience))
    return Kept(bytes(row["body"]), row["headers"]) if row else None


_FORGET = "DELETE FROM inbox_waiting WHERE event_id = %s"


def forget_waiting(work: Work, event_id: UUID) -> None:
    """Take an event out of the waiting table; it has gone to a queue."""
    work.run(_FORGET, (event_id,), expect=None)


_BLOCK = """
INSERT INTO inbox_gate (source, subject, audience, last, blocked_by)
VALUES (%(source)s, %(subject)s, %(audience)s, 0, %(id)s)
ON CONFLICT (source, subject, audience) DO UPDATE SET blocked_by = excluded.blocked_by
 WHERE inbox_gate.last < %(sequence)s
"""


def block(work: Work, event: Received) -> None:
    """Note which event holds its stream up; later ones wait behind it while other aggregates go on."""
    work.run(_BLOCK, {**_where(event), "sequence": event.sequence}, expect=None)


_SKIP = """
WITH moved AS (
    UPDATE inbox_gate SET last = %(sequence)s, blocked_by = NULL
     WHERE source = %(source)s AND subject = %(subject)s AND audience = %(audience)s AND last = %(sequence)s - 1
     RETURNING 1
)
INSERT INTO inbox (event_id, received_at) SELECT %(id)s, %(now)s FROM moved ON CONFLICT DO NOTHING
"""


def skip(work: Work, event: Received) -> bool:
    """Move the gate past an event that an operator drops; False when it is not the one that holds the stream up."""
    return work.run(_SKIP, {**_where(event), "sequence": event.sequence, "now": work.now}, expect=None) == 1


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


_CLEAN = """
DELETE FROM inbox WHERE event_id IN (
    SELECT event_id FROM inbox WHERE received_at < %s - make_interval(days => %s) LIMIT 5000)
"""


def clean(work: Work) -> int:
    """Forget ids received long ago; the gate goes on knowing that they are older."""
    return work.run(_CLEAN, (work.now, KEEP_DAYS), expect=None)


def _where(event: Received) -> dict[str, Any]:
    return {"id": event.id, "source": event.source, "subject": event.subject, "audience": event.audience}
