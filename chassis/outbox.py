"""Everything that a unit of work leaves behind besides its own rows, written in one statement of the same transaction.

Events get their sequence per aggregate and audience under that counter's row lock, so a sequence has no gap and
becomes visible in order (bus.md section 3). There is no publisher object, so nobody can tell an event any other way.
"""

from __future__ import annotations

import base64
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
    SELECT t.*, row_number() OVER () AS place
      FROM json_to_recordset(%(events)s::json) AS t (
               id uuid, exchange text, routing_key text, type text, version int, aggregate_type text,
               aggregate_id uuid, audience text, data json, body text, occurred_at timestamptz, traceparent text,
               correlation_id text, causation_id text)
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
           t.data, decode(t.body, 'base64'), t.traceparent, t.correlation_id, t.causation_id, t.occurred_at
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


def as_json(told: Sequence[tuple[Event | Ready, Origin]]) -> str:
    """What LEAVE unfolds into rows; bytes as base64. One parameter costs less than a dozen arrays."""
    return orjson.dumps([_row(event, origin) for event, origin in told]).decode()


def _row(event: Event | Ready, origin: Origin) -> dict[str, Any]:
    row = {
        "id": event.id,
        "aggregate_type": event.aggregate_type,
        "aggregate_id": event.aggregate_id,
        "audience": event.audience,
        "occurred_at": event.occurred_at,
        "traceparent": origin.traceparent,
        "correlation_id": origin.correlation_id,
        "causation_id": origin.causation_id,
    }
    if isinstance(event, Ready):
        body = base64.b64encode(event.body).decode("ascii")
        names = {"exchange": event.exchange, "routing_key": event.routing_key, "type": event.type}
        return {**row, **names, "version": event.version, "body": body}
    names = {"exchange": "events", "routing_key": event.type.name, "type": event.type.name}
    return {**row, **names, "version": event.type.version, "data": event.data}
