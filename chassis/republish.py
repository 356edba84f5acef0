"""History told again: the rows once more where they are still kept, a baseline where they are gone (bus.md section 4).

A consumer that misses an event asks with `republish.requested`; the publisher answers through its own outbox. An
operator does the same by command, for one object, for a noun, or for all that was published since a moment.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from chassis import clock, envelope
from chassis.envelope import INSIDE, EventType
from chassis.kinds import Kind

if TYPE_CHECKING:
    from chassis.db import Database, Work
    from chassis.envelope import Received

INSIDE_WORD = "inside"
"""How an empty audience is written in a field, which holds no empty code."""

AGGREGATES_AT_ONCE = 100
ROWS_AT_ONCE = 2_000

REQUESTED = EventType(
    name="republish.requested",
    source="chassis",
    data={
        "publisher": Kind.CODE,
        "aggregate_type": Kind.CODE,
        "aggregate_id": Kind.ID,
        "audience": Kind.CODE,
        "from_sequence": Kind.INTEGER,
    },
    summary="A service misses events of an object and asks its publisher to tell them again.",
    audience="Inside only.",
)
TYPES = {REQUESTED.name: REQUESTED}


@dataclass(frozen=True, slots=True)
class Stream:
    """What one sequence counts: an aggregate, as one audience is told of it."""

    aggregate_type: str
    aggregate_id: uuid.UUID
    audience: str

    @property
    def parameters(self) -> dict[str, Any]:
        """Its columns in the outbox and in the counters."""
        return {name: getattr(self, name) for name in Stream.__slots__}


@dataclass(frozen=True, slots=True)
class Baseline:
    """How a service tells the current state of an aggregate.

    `state` returns the event's data as `audience` may know it, or None when the aggregate is gone. It locks the
    aggregate, so that no step can be between the state and its sequence.
    """

    type: EventType
    state: Callable[[Work, uuid.UUID, str], Mapping[str, Any] | None]


Baselines = Mapping[str, Baseline]
"""By noun."""


def request(work: Work, publisher: str, stream: Stream, first: int) -> None:
    """Ask `publisher` for the events of a stream from the sequence `first` on. Every request is its own aggregate."""
    asked = clock.new_id()
    data = {
        "publisher": publisher,
        "aggregate_type": stream.aggregate_type,
        "aggregate_id": stream.aggregate_id,
        "audience": stream.audience or INSIDE_WORD,
        "from_sequence": first,
    }
    work.tell(
        envelope.event(
            REQUESTED, aggregate=(REQUESTED.noun, asked), audience=INSIDE, data=data, at=work.now, id=clock.new_id()
        )
    )


def answer(work: Work, received: Received, *, service: str, baselines: Baselines) -> int:
    """Answer a request if it is for this service; returns how many events go out again."""
    asked = received.data
    if asked["publisher"] != service:
        return 0
    audience = INSIDE if asked["audience"] == INSIDE_WORD else asked["audience"]
    stream = Stream(asked["aggregate_type"], uuid.UUID(asked["aggregate_id"]), audience)
    return again(work, stream, asked["from_sequence"], baselines)


_KEPT = """
SELECT s.last, count(o.no) AS kept
  FROM event_sequence AS s LEFT JOIN outbox AS o
       ON o.aggregate_type = s.aggregate_type AND o.aggregate_id = s.aggregate_id AND o.audience = s.audience
      AND NOT o.baseline AND o.sequence BETWEEN %(first)s AND s.last
 WHERE s.aggregate_type = %(aggregate_type)s AND s.aggregate_id = %(aggregate_id)s AND s.audience = %(audience)s
 GROUP BY s.last
"""
_AGAIN = """
UPDATE outbox SET published_at = NULL
 WHERE aggregate_type = %(aggregate_type)s AND aggregate_id = %(aggregate_id)s AND audience = %(audience)s
   AND NOT baseline AND sequence >= %(first)s AND published_at IS NOT NULL
"""


def again(work: Work, stream: Stream, first: int, baselines: Baselines) -> int:
    """Tell a stream again from `first` on; where rows are gone, its baseline after those that are kept.

    Returns how many events go out, 0 when there is nothing to tell.
    """
    where = {**stream.parameters, "first": first}
    found = work.one(_KEPT, where)
    if found is None or found["last"] < first:
        return 0
    told = work.run(_AGAIN, where, expect=None)
    baseline = baselines.get(stream.aggregate_type)
    if found["kept"] == found["last"] - first + 1 or baseline is None:
        return told
    return told + _tell_baseline(work, stream, baseline)


_BASELINE = """
INSERT INTO outbox (id, routing_key, type, version, aggregate_type, aggregate_id, audience, sequence, data,
                    occurred_at, baseline)
SELECT %(id)s, %(type)s, %(type)s, %(version)s, aggregate_type, aggregate_id, audience, last, %(data)s::json,
       %(now)s, true
  FROM event_sequence
 WHERE aggregate_type = %(aggregate_type)s AND aggregate_id = %(aggregate_id)s AND audience = %(audience)s
"""


def _tell_baseline(work: Work, stream: Stream, baseline: Baseline) -> int:
    state = baseline.state(work, stream.aggregate_id, stream.audience)
    if state is None:
        return 0
    told = envelope.event(
        baseline.type,
        aggregate=(stream.aggregate_type, stream.aggregate_id),
        audience=stream.audience,
        data=state,
        at=work.now,
        id=clock.new_id(),
    )
    row = {"id": told.id, "type": told.type.name, "version": told.type.version, "now": work.now}
    return work.run(_BASELINE, {**stream.parameters, **row, "data": orjson.dumps(told.data).decode()})


_STREAMS = "SELECT aggregate_type, aggregate_id, audience FROM event_sequence WHERE aggregate_id = %s"


def of_aggregate(work: Work, aggregate_id: uuid.UUID, *, baselines: Baselines) -> int:
    """Tell all that is known of one aggregate again, to each of its audiences; returns how many events go out."""
    streams = [Stream(**row) for row in work.all(_STREAMS, (aggregate_id,))]
    return sum(again(work, stream, 1, baselines) for stream in streams)


_NEXT = """
SELECT DISTINCT aggregate_id FROM event_sequence
 WHERE aggregate_type = %(noun)s AND (%(after)s::uuid IS NULL OR aggregate_id > %(after)s)
 ORDER BY aggregate_id LIMIT %(limit)s
"""


def everything(database: Database, noun: str, *, actor: str, baselines: Baselines) -> int:
    """Tell every aggregate of a noun again, in lots with a transaction each; returns how many events go out."""
    told, after = 0, None
    while True:
        with database.background(actor) as work:
            rows = work.all(_NEXT, {"noun": noun, "after": after, "limit": AGGREGATES_AT_ONCE})
            lot = [row["aggregate_id"] for row in rows]
            told += sum(of_aggregate(work, aggregate_id, baselines=baselines) for aggregate_id in lot)
        if len(lot) < AGGREGATES_AT_ONCE:
            return told
        after = lot[-1]


_NEWEST = "SELECT coalesce(max(no), 0) AS no FROM outbox"
_SINCE = """
WITH lot AS MATERIALIZED (
    SELECT no FROM outbox WHERE no > %(after)s AND no <= %(newest)s ORDER BY no LIMIT %(limit)s
), told AS (
    UPDATE outbox AS o SET published_at = NULL FROM lot
     WHERE o.no = lot.no AND o.published_at >= %(since)s
       AND (%(until)s::timestamptz IS NULL OR o.published_at < %(until)s) RETURNING 1
)
SELECT max(no) AS last, (SELECT count(*) FROM told) AS told FROM lot
"""


def since(database: Database, moment: dt.datetime, *, actor: str, until: dt.datetime | None = None) -> int:
    """Publish again what was published since `moment`, for a broker that lost its queues; returns how many events.

    In lots with a transaction each, up to the newest row there is now: what follows goes to the broker anyway.
    """
    told, after, newest = 0, 0, None
    while True:
        with database.background(actor) as work:
            if newest is None:
                newest = (work.one(_NEWEST) or {"no": 0})["no"]
            lot = {"since": moment, "until": until, "after": after, "newest": newest, "limit": ROWS_AT_ONCE}
            found = work.one(_SINCE, lot)
        if found is None or found["last"] is None:
            return told
        told, after = told + found["told"], found["last"]
