"""What operators do with parked events: look (redacted), replay, drop; each change is audited (bus.md section 4)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from chassis import audit, inbox, retry, topology
from chassis.db import Database
from chassis.envelope import Received, Unreadable
from chassis.errors import NotFound
from chassis.inbox import Kept
from chassis.link import Link
from chassis.settings import Settings

MOST_LISTED = 1_000


@dataclass(frozen=True, slots=True)
class Parked:
    """One parked message without its content: names, codes and ids only."""

    event_id: str
    type: str
    source: str
    subject: str
    sequence: int
    reason: str
    error: str
    attempts: int


def listed(settings: Settings, service: str) -> list[Parked]:
    """All parked events of a service, oldest first; they stay where they are. Raises LinkLost without a broker."""
    with _link(settings, service) as link:
        return [_shown(kept, message_id) for _, kept, message_id in _messages(link, service)]


def replay(settings: Settings, service: str, event_id: str | None = None) -> int:
    """Send one parked event, or all of them, to the service again with a fresh ladder; returns how many.

    Raises NotFound when the named one is not parked.
    """
    with _link(settings, service) as link:
        sender = retry.Retries(Link(settings.amqp_url(service), name=f"{service} replay"), service)
        with closing(sender):
            done = 0
            # all are taken before the first is sent: what is parked again at once must not be met a second time
            for tag, kept, message_id in tuple(_messages(link, service)):
                if event_id in (None, _shown(kept, message_id).event_id):
                    sender.replay(kept, message_id)
                    _audit(settings, service, "parked.replay", _readable(kept), "operator.replay")
                    link.channel.basic_ack(tag)
                    done += 1
    return _or_not_found(done, event_id)


def drop(settings: Settings, service: str, event_id: str, *, reason: str) -> int:
    """Take a parked event away for good and let what waits behind it go on; `reason` is a code for the audit.

    Raises NotFound when it is not parked.
    """
    with _link(settings, service) as link:
        done = 0
        for tag, kept, message_id in _messages(link, service):
            if _shown(kept, message_id).event_id == event_id:
                _audit(settings, service, "parked.drop", _readable(kept), reason)
                link.channel.basic_ack(tag)
                done += 1
    return _or_not_found(done, event_id)


@contextmanager
def _link(settings: Settings, service: str) -> Iterator[Link]:
    link = Link(settings.amqp_url(service), name=f"{service} parked")
    link.open()
    try:
        yield link
    finally:
        link.close()  # what was not acknowledged goes back to its place


def _messages(link: Link, service: str) -> Iterator[tuple[int, Kept, str]]:
    for _ in range(MOST_LISTED):
        with link.limit():
            message: Any = link.channel.basic_get(topology.parked_name(service))
        if message is None:
            return
        body = message.body.encode() if isinstance(message.body, str) else bytes(message.body)
        kept = Kept(body, message.properties.get("application_headers") or {})
        yield message.delivery_tag, kept, str(message.properties.get("message_id", ""))


def _readable(kept: Kept) -> Received | None:
    try:
        return kept.read()
    except Unreadable:
        return None


def _shown(kept: Kept, message_id: str) -> Parked:
    event, headers = _readable(kept), kept.headers
    # A message parked by the broker itself, at its delivery limit, has no header of ours
    reason = str(headers.get(retry.PARKED, "delivery.limit"))
    error, attempts = str(headers.get(retry.ERROR, "")), retry.attempt_of(kept)
    if event is None:
        return Parked(message_id, "?", "?", "?", 0, reason, error, attempts)
    subject, sequence = str(event.subject), event.sequence
    return Parked(str(event.id), event.type, event.source, subject, sequence, reason, error, attempts)


def _audit(settings: Settings, service: str, operation: str, event: Received | None, reason: str) -> None:
    database = Database(settings, service)
    with closing(database), database.background("operator") as work:
        if event is not None and operation == "parked.drop":
            inbox.skip(work, event)
        object_id = event.id if event else None
        work.record(audit.Entry(operation=operation, object_type="event", object_id=object_id, basis=reason))


def _or_not_found(done: int, event_id: str | None) -> int:
    if not done and event_id is not None:
        raise NotFound("event.not_parked", "No parked event has this id.")
    return done
