"""Everything that a unit of work leaves behind besides its own rows, written in one statement of the same transaction.

Events get their sequence per aggregate and audience under that counter's row lock, so a sequence has no gap and
becomes visible in order (bus.md section 3). There is no publisher object, so nobody can tell an event any other way.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    import datetime as dt

    from chassis.envelope import Event

LEAVE = """
WITH told AS (
    SELECT * FROM unnest(%(id)s::uuid[], %(exchange)s::text[], %(routing_key)s::text[], %(type)s::text[],
                         %(version)s::int[], %(aggregate_type)s::text[], %(aggregate_id)s::uuid[],
                         %(audience)s::text[], %(data)s::text[], %(body)s::bytea[], %(occurred_at)s::timestamptz[],
                         %(traceparent)s::text[], %(correlation_id)s::text[], %(causation_id)s::text[])
           WITH ORDINALITY AS t (id, exchange, routing_key, type, version, aggregate_type, aggregate_id, audience,
                                 data, body, occurred_at, traceparent, correlation_id, causation_id, place)
), counted AS (
    INSERT INTO event_sequence AS e (aggregate_type, aggregate_id, audience, last)
    SELECT aggregate_type, aggregate_id, audience, count(*) FROM told
     GROUP BY aggregate_type, aggregate_id, audience ORDER BY aggregate_type, aggregate_id, audience
    ON CONFLICT (aggregate_type, aggregate_id, audience) DO UPDATE SET last = e.last + excluded.last
    RETURNING aggregate_type, aggregate_id, audience, last
), sent AS (
    INSERT INTO outbox (id, exchange, routing_key, type, version, aggregate_type, aggregate_id, audience, sequence,
                        data, body, traceparent, correlation_id, causation_id, occurred_at)
    SELECT t.id, t.exchange, t.routing_key, t.type, t.version, t.aggregate_type, t.aggregate_id, t.audience,
           c.last + 1 - row_number() OVER (PARTITION BY t.aggregate_type, t.aggregate_id, t.audience
                                           ORDER BY t.place DESC),
           t.data::json, t.body, t.traceparent, t.correlation_id, t.causation_id, t.occurred_at
      FROM told AS t JOIN counted AS c USING (aggregate_type, aggregate_id, audience) ORDER BY t.place
), remembered AS (
    INSERT INTO request (scope, key, mac, object_id, created_at)
    SELECT %(scope)s, %(key)s, %(request_mac)s, %(request_object)s, %(now)s WHERE %(key)s::text IS NOT NULL
)
SELECT audit_append(%(audit_id)s, %(now)s, %(org_id)s, %(subject)s, %(token_id)s, %(operation)s, %(object_type)s,
                    %(object_id)s, %(purpose)s, %(basis)s, %(request_id)s, %(outcome)s, %(mac)s)
 WHERE %(audit_id)s::uuid IS NOT NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """An event whose bytes exist already: what subscriptions hands on to the partners, byte for byte."""

    id: uuid.UUID
    exchange: str
    routing_key: str
    type: str
    version: int
    aggregate_type: str
    aggregate_id: uuid.UUID
    audience: str
    body: bytes
    occurred_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Origin:
    """What an event goes back to: a request, or the event that caused it."""

    traceparent: str | None
    correlation_id: str | None
    causation_id: str | None


def columns_of(told: Sequence[tuple[Event | Ready, Origin]]) -> dict[str, list[Any]]:
    """The parallel arrays that LEAVE unfolds."""
    events = [event for event, _ in told]
    return {
        "id": [e.id for e in events],
        "exchange": [e.exchange if isinstance(e, Ready) else "events" for e in events],
        "routing_key": [e.routing_key if isinstance(e, Ready) else e.type.name for e in events],
        "type": [e.type if isinstance(e, Ready) else e.type.name for e in events],
        "version": [e.version if isinstance(e, Ready) else e.type.version for e in events],
        "aggregate_type": [e.aggregate_type for e in events],
        "aggregate_id": [e.aggregate_id for e in events],
        "audience": [e.audience for e in events],
        "data": [None if isinstance(e, Ready) else orjson.dumps(e.data).decode() for e in events],
        "body": [e.body if isinstance(e, Ready) else None for e in events],
        "occurred_at": [e.occurred_at for e in events],
        "traceparent": [origin.traceparent for _, origin in told],
        "correlation_id": [origin.correlation_id for _, origin in told],
        "causation_id": [origin.causation_id for _, origin in told],
    }
