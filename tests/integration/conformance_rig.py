"""What the tests of conformance share: the two ends of a bus, messages by hand, and the questions asked at the end."""

from __future__ import annotations

import uuid
from dataclasses import replace

import amqp

from chassis import topology
from chassis.clock import now
from chassis.db import Database
from chassis.envelope import encode
from chassis.settings import Settings
from tests.integration.bus_rig import CHANGED, channel_of, depth
from tests.support.databases import root_url
from tests.support.facts import facts
from tests.support.ledger import Ledger

QUEUE, PARKED = "groups.events", "groups.events.parked"
PATIENCE = 60.0


class Sides:
    """The publisher's database, the consumer's, and what the consumer has applied."""

    def __init__(self, at: Settings, session: Settings) -> None:
        self.publisher, self.consumer = Database(at, "directory"), Database(at, "groups")
        # the superuser's address comes from the session's own settings: `at` may name another broker's ports
        self.ledger = Ledger(root_url(replace(session, environment=at.environment), "groups"))

    def close(self) -> None:
        """End the connections to both databases."""
        self.publisher.close()
        self.consumer.close()


def body_of(subject: uuid.UUID, sequence: int, *, type_: str = CHANGED.name, data: object = None) -> bytes:
    """An event as the relay would send it."""
    row = {
        "id": uuid.uuid4(),
        "type": type_,
        "version": 1,
        "aggregate_id": subject,
        "audience": "network",
        "sequence": sequence,
        "data": facts(CHANGED, version=sequence) if data is None else data,
        "occurred_at": now(),
    }
    return encode(row, source="directory")[0]


def send(at: Settings, body: bytes, *, kind: str = "application/cloudevents+json", **properties: object) -> None:
    """Publish by hand what no relay would."""
    headers = {"audience": "network"}
    message = amqp.Message(body, application_headers=headers, content_type=kind, delivery_mode=2, **properties)
    with channel_of(at) as channel:
        channel.basic_publish(message, "events", CHANGED.name)


def expected(subjects: list[uuid.UUID], count: int) -> dict[uuid.UUID, list[int]]:
    """Every event of every subject, once and in order."""
    return {subject: list(range(1, count + 1)) for subject in subjects}


def all_quiet(at: Settings) -> bool:
    """Whether no message is left anywhere on the way."""
    waiting = [topology.retry_name("groups", step) for step in range(1, 5)]
    return all(depth(at, queue) == 0 for queue in (QUEUE, PARKED, *waiting))


def unpublished(side: Sides) -> int:
    """Rows that wait in the outbox."""
    with side.publisher.view() as work:
        row = work.one("SELECT count(*) AS count FROM outbox WHERE published_at IS NULL")
    return int(row["count"]) if row else 0
