"""Turns what is told inside into what outsiders may have."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from chassis import contracts, envelope
from chassis.db import Work
from chassis.envelope import Received
from chassis.outbox import Ready
from chassis.topology import PARTNERS
from services.subscriptions import rules
from services.subscriptions.store import journal as store


def nobody(stream: str, position: int) -> None:
    """Ring for nobody: where no client can wait."""


def journal(work: Work, received: Received, ring: Callable[[str, int], None] = nobody) -> None:
    """Write an event into the stream of its audience and hand the same bytes to the partners, in one transaction.

    After the commit `ring` wakes those who wait for the stream.
    """
    for stream in rules.streams_of(received.audience):
        place = store.next_place(work, stream)
        body = _outside(received, place)
        store.write(work, store.Entry(place=place, event_id=received.id, type=received.type, body=body))
        work.tell(_ready(received, place, body))
        work.after(partial(ring, stream, place.position))


def keep_organisation(work: Work, received: Received) -> None:
    """Keep the local copy of an organisation, from organisation.* events."""
    copy = {name: received.data[name] for name in ("key", "status", "version")}
    store.keep_partner(work, {"org_id": received.subject, **copy})


def _outside(received: Received, place: store.Place) -> bytes:
    # Composed anew from known fields: headers of the inside cannot slip through.
    row = {
        "id": received.id,
        "type": received.type,
        "version": received.version,
        "aggregate_id": received.subject,
        "occurred_at": received.time,
        "sequence": received.sequence,
        "data": contracts.known_part(received.type, received.version, received.data),
    }
    extensions = {"stream": place.stream, "position": place.position}
    return envelope.compose(row, source=received.source, extensions=extensions)


def _ready(received: Received, place: store.Place, body: bytes) -> Ready:
    return Ready(
        id=received.id,
        exchange=PARTNERS,
        routing_key=rules.routing_key(place.stream, received.type),
        type=received.type,
        version=received.version,
        aggregate_type="stream",
        aggregate_id=place.stream_id,
        audience=place.stream,
        body=body,
        occurred_at=received.time,
    )
