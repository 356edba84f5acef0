"""Turns what is told inside into what outsiders may have, and lets them read it."""

from __future__ import annotations

from chassis import envelope
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.envelope import Received
from chassis.errors import Unauthenticated
from chassis.outbox import Ready
from chassis.requests import Call, Outcome
from chassis.topology import PARTNERS
from services.subscriptions import rules, views
from services.subscriptions.store import journal as store


def journal(work: Work, received: Received) -> None:
    """Write an event into the stream of its audience and hand the same bytes to the partners, in one transaction."""
    for stream in rules.streams_of(received.audience):
        place = store.next_place(work, stream)
        body = _outside(received, place)
        store.write(work, store.Entry(place=place, event_id=received.id, type=received.type, body=body))
        work.tell(_ready(received, place, body))


def keep_organisation(work: Work, received: Received) -> None:
    """Keep the local copy of an organisation, from organisation.* events."""
    copy = {name: received.data[name] for name in ("key", "status", "version")}
    store.keep_partner(work, {"org_id": received.subject, **copy})


def feed(db: Database, call: Call) -> Outcome:
    """The events of a stream behind a position, as they were stored. Raises JournalCut when they are gone."""
    if call.caller is None:
        raise Unauthenticated("token.missing", "An access token is needed.")
    query = call.query
    stream, after = rules.stream_read(query["stream"], call.caller.org_id), query["after"]
    with db.work(call) as work:
        rules.check_reach(after, views.oldest(work, stream))
        rows = views.feed(work, stream, after=after, limit=query["limit"], types=rules.types_wanted(query["types"]))
        work.record(Entry(operation="event.read", object_type="stream", object_id=None, purpose="subscription"))
    following = rules.next_after(after, [row.position for row in rows])
    return Outcome(value=b'{"events":[%b],"next":%d}' % (b",".join(row.body for row in rows), following))


def _outside(received: Received, place: store.Place) -> bytes:
    # Composed anew from known fields: headers of the inside cannot slip through.
    row = {
        "id": received.id,
        "type": received.type,
        "version": received.version,
        "aggregate_id": received.subject,
        "occurred_at": received.time,
        "sequence": received.sequence,
        "data": received.data,
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
