"""The inbox: each event applies once and in order, whatever the broker delivers (bus.md section 4).

The gate of a stream (source, subject, audience) holds the last sequence applied. The next one is applied in the same
transaction that moves the gate; a later one waits in a table, and what is missing before it is asked for; an older one
is done already. A baseline holds the current state and sets the gate wherever it is behind.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

from chassis import contracts, envelope

if TYPE_CHECKING:
    from chassis.db import Work
    from chassis.envelope import Received

Handler = Callable[["Work", "Received"], None]

KEEP_DAYS = 30
SURELY_KEPT = dt.timedelta(days=KEEP_DAYS - 1)


class Unfit(Exception):
    """An event that can never be applied as it is; `reason` is a code. It is parked without any further try.

    `blocks` tells whether its stream has to wait behind it.
    """

    def __init__(self, reason: str, *, blocks: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.blocks = blocks


class Fate(enum.Enum):
    """What became of one event."""

    APPLIED = "applied"
    SEEN = "seen"
    OLDER = "older"
    WAITING = "waiting"
    UNWANTED = "unwanted"


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
    content_type: str = envelope.CONTENT_TYPE
    content_encoding: str = ""

    def read(self) -> Received:
        """Decode it; raises Unreadable."""
        properties = {"content_type": self.content_type, "content_encoding": self.content_encoding}
        return envelope.decode(self.body, self.headers, properties)


@dataclass(slots=True)
class Gate:
    """A stream's gate as this transaction holds it locked, and what it knows of the stream's events."""

    last: int
    blocked_by: UUID | None
    floor: int
    asks: int
    followed: bool

    def wants_baseline(self) -> bool:
        """Whether steps are surely missing here: nothing is known yet, or a gap was asked about in vain.

        Others asked for this baseline; to take it while the steps are still on their way would be to lose them.
        """
        return self.blocked_by is None and (self.last == 0 or self.asks > 0)


_GATES = """
WITH wanted AS (
    SELECT DISTINCT source, subject, audience
      FROM json_to_recordset(%(streams)s::json) AS t (source text, subject uuid, audience text)
), gate AS (
    INSERT INTO inbox_gate (source, subject, audience, last)
    SELECT source, subject, audience, 0 FROM wanted ORDER BY source, subject, audience
    ON CONFLICT (source, subject, audience) DO UPDATE SET last = inbox_gate.last
    RETURNING source, subject, audience, last, blocked_by, floor, asks
)
SELECT g.*, ARRAY(SELECT event_id FROM inbox WHERE event_id = ANY(%(ids)s)) AS seen,
       EXISTS (SELECT FROM inbox_waiting AS w WHERE w.source = g.source AND w.subject = g.subject
                                                AND w.audience = g.audience) AS followed
  FROM gate AS g
"""
_OPEN = "inbox.gates"
_SEEN = "inbox.seen"


def look(work: Work, events: Sequence[Received]) -> None:
    """Lock and read the gates of several events in one question; `apply` then needs none of its own.

    The gates are taken in one order whatever the order of the events, so that two consumers never wait crosswise.
    """
    streams = [{"source": each.source, "subject": each.subject, "audience": each.audience} for each in events]
    rows = work.all(_GATES, {"streams": orjson.dumps(streams).decode(), "ids": [each.id for each in events]})
    gates, seen = work.notes.setdefault(_OPEN, {}), work.notes.setdefault(_SEEN, set())
    for row in rows:
        gate = Gate(row["last"], row["blocked_by"], row["floor"], row["asks"], row["followed"])
        gates[row["source"], row["subject"], row["audience"]] = gate
        seen.update(row["seen"])


def _gate_of(work: Work, event: Received) -> Gate:
    stream = event.source, event.subject, event.audience
    if stream not in work.notes.get(_OPEN, ()):
        look(work, [event])
    gate: Gate = work.notes[_OPEN][stream]
    return gate


_MOVE = """
WITH moved AS (
    UPDATE inbox_gate SET last = %(sequence)s, blocked_by = NULL, asked_at = NULL, asks = 0
     WHERE source = %(source)s AND subject = %(subject)s AND audience = %(audience)s RETURNING 1
), gone AS (
    DELETE FROM inbox_waiting WHERE event_id = %(id)s
)
INSERT INTO inbox (event_id, received_at) SELECT %(id)s, %(now)s FROM moved
"""
_SET = """
WITH moved AS (
    UPDATE inbox_gate SET last = %(sequence)s, floor = %(sequence)s, blocked_by = NULL, asked_at = NULL, asks = 0
     WHERE source = %(source)s AND subject = %(subject)s AND audience = %(audience)s RETURNING 1
), gone AS (
    DELETE FROM inbox_waiting
     WHERE source = %(source)s AND subject = %(subject)s AND audience = %(audience)s AND sequence <= %(sequence)s
)
INSERT INTO inbox (event_id, received_at) SELECT %(id)s, %(now)s FROM moved
"""


def apply(work: Work, event: Received, handler: Handler, *, kept: Kept) -> Verdict:
    """Judge one event and, if it is the next of its stream, run `handler` in the same transaction.

    Raises Unfit when another event had its sequence before, or when one that had to wait breaks its contract; `handler`
    may raise anything.
    """
    gate, seen = _gate_of(work, event), work.notes[_SEEN]
    if event.id in seen or event.sequence <= gate.last:
        return Verdict(_done_already(work, event, gate), gate.followed)
    if event.is_baseline and not gate.wants_baseline():
        return Verdict(Fate.UNWANTED, gate.followed)
    if event.sequence > gate.last + 1 and not event.is_baseline:
        fault = contracts.fault_of(event.type, event.version, event.data)
        if fault is not None:  # before its turn it holds nothing up: what is missing before it must still be asked for
            raise Unfit(fault, blocks=False)
        _wait(work, event, kept, "blocked" if gate.blocked_by else "gap")
        gate.followed = True
        return Verdict(Fate.WAITING, followed=False)
    work.later(_SET if event.is_baseline else _MOVE, {**_where(event), "sequence": event.sequence, "now": work.now})
    handler(work, event)
    seen.add(event.id)
    gate.last, gate.blocked_by, gate.asks = event.sequence, None, 0
    if event.is_baseline:
        gate.floor = event.sequence
    return Verdict(Fate.APPLIED, gate.followed)


_KNOWN = "SELECT 1 AS one FROM inbox WHERE event_id = %s"


def _done_already(work: Work, event: Received, gate: Gate) -> Fate:
    # Asked again, because another consumer may have applied it while the gate was waited for.
    if event.id in work.notes[_SEEN] or work.one(_KNOWN, (event.id,)) is not None:
        return Fate.SEEN
    # All ids above the floor are remembered for a while: one that is not among them took the number of another.
    if not event.is_baseline and event.sequence > gate.floor and event.time > work.now - SURELY_KEPT:
        raise Unfit("event.sequence_repeated", blocks=False)
    return Fate.OLDER


_WAIT = """
INSERT INTO inbox_waiting (event_id, source, subject, audience, sequence, body, headers, reason, since)
VALUES (%(id)s, %(source)s, %(subject)s, %(audience)s, %(sequence)s, %(body)s, %(headers)s::json, %(reason)s, %(now)s)
ON CONFLICT DO NOTHING
"""
_WAITS_THERE = """
SELECT 1 AS one FROM inbox_waiting
 WHERE source = %(source)s AND subject = %(subject)s AND audience = %(audience)s AND sequence = %(sequence)s
   AND event_id <> %(id)s
"""


def _wait(work: Work, event: Received, kept: Kept, reason: str) -> None:
    where = {**_where(event), "sequence": event.sequence}
    row = {"body": kept.body, "reason": reason, "now": work.now, "headers": orjson.dumps(dict(kept.headers)).decode()}
    if work.run(_WAIT, {**where, **row}, expect=None) == 0 and work.one(_WAITS_THERE, where) is not None:
        raise Unfit("event.sequence_repeated", blocks=False)


_NEXT = """
SELECT w.event_id, w.body, w.headers FROM inbox_gate g JOIN inbox_waiting w USING (source, subject, audience)
 WHERE g.source = %s AND g.subject = %s AND g.audience = %s AND w.sequence = g.last + 1 LIMIT 1
"""


def next_waiting(work: Work, source: str, subject: UUID, audience: str) -> tuple[UUID, Kept] | None:
    """The waiting event of a stream whose turn has come, and its id."""
    row = work.one(_NEXT, (source, subject, audience))
    return (row["event_id"], Kept(bytes(row["body"]), row["headers"])) if row else None


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


def block(work: Work, stream: tuple[str, UUID, str], event_id: UUID, sequence: int) -> None:
    """Note which event holds its stream up; later ones wait behind it while other aggregates go on."""
    source, subject, audience = stream
    where = {"source": source, "subject": subject, "audience": audience}
    work.run(_BLOCK, {**where, "id": event_id, "sequence": sequence}, expect=None)


_SKIP = """
WITH moved AS (
    INSERT INTO inbox_gate AS g (source, subject, audience, last)
    SELECT %(source)s, %(subject)s, %(audience)s, %(sequence)s
     WHERE %(sequence)s = 1 OR EXISTS (SELECT FROM inbox_gate WHERE source = %(source)s AND subject = %(subject)s
                                                                AND audience = %(audience)s)
    ON CONFLICT (source, subject, audience) DO UPDATE
       SET last = excluded.last, blocked_by = NULL, asked_at = NULL, asks = 0 WHERE g.last = excluded.last - 1
    RETURNING 1
)
INSERT INTO inbox (event_id, received_at) SELECT %(id)s, %(now)s FROM moved ON CONFLICT DO NOTHING
"""
_RELEASE = """
UPDATE inbox_gate SET blocked_by = NULL
 WHERE source = %(source)s AND subject = %(subject)s AND audience = %(audience)s AND blocked_by = %(id)s
"""


def skip(work: Work, event: Received) -> bool:
    """Let a stream go on without an event that an operator drops; False when its stream did not wait for that one."""
    if not event.is_baseline:
        work.later(_SKIP, {**_where(event), "sequence": event.sequence, "now": work.now}, expect=None)
    moved = _stands_behind(work, event)
    return work.run(_RELEASE, _where(event), expect=None) == 1 or moved


_LAST = "SELECT last FROM inbox_gate WHERE source = %(source)s AND subject = %(subject)s AND audience = %(audience)s"


def _stands_behind(work: Work, event: Received) -> bool:
    row = work.one(_LAST, _where(event))
    return row is not None and row["last"] >= event.sequence


def _where(event: Received) -> dict[str, Any]:
    return {"id": event.id, "source": event.source, "subject": event.subject, "audience": event.audience}
