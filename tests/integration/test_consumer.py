"""The consumer on a real broker and database: order holds, poison is parked, outages are waited for."""

from __future__ import annotations

import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import amqp
import psycopg
import pytest

from chassis import envelope
from chassis.clock import now
from chassis.consumer import Consumer
from chassis.db import Database, Work
from chassis.envelope import Received
from chassis.settings import Settings
from deploy.local import broker
from tests.integration.bus_rig import CHANGED, channel_of, consuming, depth, relaying, taken, tell, until
from tests.support.facts import facts

Make = Callable[..., Settings]
TOGETHER_TOO = 5
"""A try together with others comes before those that count, and is undone: at most one for each time that it comes."""


class Handler:
    """Remembers what it was given; fails for the subjects it is told to."""

    def __init__(self) -> None:
        self.applied: dict[uuid.UUID, list[int]] = defaultdict(list)
        self.calls: dict[uuid.UUID, int] = defaultdict(int)
        self.failing: set[uuid.UUID] = set()
        self.slow = 0.0

    def __call__(self, work: Work, event: Received) -> None:
        """Handle one event."""
        self.calls[event.subject] += 1
        if event.subject in self.failing:
            message = "something that must not be told: Jonas, +370 600 00000"
            raise RuntimeError(message)
        if self.slow:
            time.sleep(self.slow)
        assert work.one("SELECT 1 AS one") is not None
        self.applied[event.subject].append(event.sequence)


@pytest.fixture
def short_ladder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Delayed tries within the patience of a test."""
    monkeypatch.setenv("TUKIVERKKO_RETRY_LADDER", "0.3,0.3,0.4,0.4")


@pytest.fixture
def settings_(short_ladder: None, vhost: Settings, service_database: Make) -> Settings:
    """A publisher's and a consumer's database, and a virtual host of their own."""
    assert short_ladder is None
    return service_database("groups", into=service_database("directory", into=vhost))


@pytest.fixture
def publisher(settings_: Settings) -> Iterator[Database]:
    """The publisher's database."""
    made = Database(settings_, "directory")
    yield made
    made.close()


@pytest.fixture
def groups(settings_: Settings) -> Iterator[Database]:
    """The consumer's database."""
    made = Database(settings_, "groups")
    yield made
    made.close()


def message(
    subject: uuid.UUID,
    sequence: int,
    *,
    id: uuid.UUID | None = None,  # noqa: A002 -- the field's own name
    type_: str = CHANGED.name,
    data: dict[str, Any] | None = None,
) -> amqp.Message:
    """An event as the relay would send it."""
    row = {
        "id": id or uuid.uuid4(),
        "type": type_,
        "version": 1,
        "aggregate_id": subject,
        "audience": "network",
        "sequence": sequence,
        "data": data or facts(CHANGED, version=sequence),
        "occurred_at": now(),
    }
    body, headers, properties = envelope.encode(row, source="directory")
    return amqp.Message(body, application_headers=headers, **properties)


def send(settings: Settings, *messages: amqp.Message) -> None:
    """Publish by hand, in this order."""
    with channel_of(settings) as channel:
        for each in messages:
            channel.basic_publish(each, "events", CHANGED.name)


def rows(settings: Settings, query: str) -> list[Any]:
    """Look into the consumer's database."""
    with psycopg.connect(settings.database_url("groups")) as connection:
        return connection.execute(query).fetchall()


def test_from_commit_to_handler_in_order(settings_: Settings, publisher: Database, groups: Database) -> None:
    handler, subjects = Handler(), [uuid.uuid4() for _ in range(4)]
    with relaying(settings_, "directory"), consuming(settings_, groups, handler):
        for subject in subjects:
            tell(publisher, subject, 10)
        until(lambda: all(len(handler.applied[subject]) == 10 for subject in subjects))
    assert all(handler.applied[subject] == list(range(1, 11)) for subject in subjects)
    assert depth(settings_, "groups.events") == 0
    assert len(rows(settings_, "SELECT FROM inbox")) == 40


def test_a_raising_handler_loses_nothing(settings_: Settings, publisher: Database, groups: Database) -> None:
    """Trap 2: tried at once, then over the ladder, then parked; others go on, its own stream waits behind it."""
    handler, bad, good = Handler(), uuid.uuid4(), uuid.uuid4()
    handler.failing.add(bad)
    with relaying(settings_, "directory"), consuming(settings_, groups, handler) as consumer:
        tell(publisher, bad, 3)
        tell(publisher, good, 3)
        until(lambda: handler.applied[good] == [1, 2, 3])
        assert depth(settings_, "groups.events.parked") == 0
        until(lambda: depth(settings_, "groups.events.parked") == 1)
        assert 3 * 5 <= handler.calls[bad] <= 3 * 5 + TOGETHER_TOO
        assert handler.applied[bad] == []
        assert consumer.counts["waiting"] == 2
    (parked,) = taken(settings_, "groups.events.parked")
    headers = parked.properties["application_headers"]
    assert (headers["tukiverkko-attempt"], headers["tukiverkko-error"]) == (4, "RuntimeError")
    assert "Jonas" not in str(parked.properties)
    assert rows(settings_, "SELECT sequence, reason FROM inbox_waiting ORDER BY sequence") in (
        [(2, "blocked"), (3, "blocked")],
        [(2, "gap"), (3, "gap")],
    )


def test_what_heals_on_the_ladder_is_followed_by_what_waited(
    settings_: Settings, publisher: Database, groups: Database
) -> None:
    handler, subject = Handler(), uuid.uuid4()
    handler.failing.add(subject)
    with relaying(settings_, "directory"), consuming(settings_, groups, handler) as consumer:
        tell(publisher, subject, 5)
        until(lambda: consumer.counts["failed"] and consumer.counts["waiting"] == 4)
        handler.failing.clear()
        until(lambda: len(handler.applied[subject]) == 5)
    assert handler.applied[subject] == [1, 2, 3, 4, 5]
    assert rows(settings_, "SELECT FROM inbox_waiting") == []


def test_the_gate_puts_right_what_the_broker_delivers_wrongly(settings_: Settings, groups: Database) -> None:
    """Trap 7: shuffled, doubled and late events are applied once, in order."""
    handler, subject, twice, late = Handler(), uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    with consuming(settings_, groups, handler) as consumer:
        send(
            settings_,
            message(subject, 3),
            message(subject, 2, id=late),
            message(subject, 1, id=twice),
            message(subject, 1, id=twice),
        )
        send(settings_, message(subject, 5), message(subject, 4), message(subject, 2, id=late))
        until(lambda: handler.applied[subject] == [1, 2, 3, 4, 5] and depth(settings_, "groups.events") == 0)
        # The late one may come before its waiting copy was taken up, and then takes that one's place
        until(lambda: consumer.counts["applied"] == 5 and consumer.counts["seen"] in {1, 2})
    assert rows(settings_, "SELECT last FROM inbox_gate") == [(5,)]
    assert len(rows(settings_, "SELECT FROM inbox")) == 5
    assert rows(settings_, "SELECT FROM inbox_waiting") == []


def test_a_failing_event_among_the_waiting_ones_is_not_lost(settings_: Settings, groups: Database) -> None:
    handler, subject = Handler(), uuid.uuid4()

    def handle(work: Work, event: Received) -> None:
        if event.sequence == 2 and handler.calls[subject] < 4:
            handler.calls[subject] += 1
            raise LookupError
        handler(work, event)

    with consuming(settings_, groups, handle):
        send(settings_, message(subject, 3), message(subject, 2), message(subject, 1))
        until(lambda: handler.applied[subject] == [1, 2, 3])


def test_the_unreadable_is_parked_at_once(settings_: Settings, groups: Database) -> None:
    handler, subject = Handler(), uuid.uuid4()
    with consuming(settings_, groups, handler):
        send(settings_, amqp.Message("no event"), amqp.Message(b"\xff\x00"), message(subject, 1))
        until(lambda: handler.applied[subject] == [1])
        until(lambda: depth(settings_, "groups.events.parked") == 2)


def test_it_starts_without_a_broker_and_reads_once_it_is_there(settings_: Settings, groups: Database) -> None:
    handler, subject = Handler(), uuid.uuid4()
    broker.drop_vhost(settings_)
    with consuming(settings_, groups, handler) as consumer:
        time.sleep(0.6)
        assert not consumer.connected
        broker.make_vhost(settings_, with_users=False)
        until(lambda: consumer.connected)
        send(settings_, message(subject, 1))
        until(lambda: handler.applied[subject] == [1])


def test_a_cut_connection_is_made_again(settings_: Settings, groups: Database) -> None:
    handler, subject = Handler(), uuid.uuid4()
    with consuming(settings_, groups, handler) as consumer:
        until(lambda: consumer.connected)
        consumer._link._cut()
        send(settings_, message(subject, 1))
        until(lambda: handler.applied[subject] == [1])


def test_an_event_in_work_is_finished_and_the_rest_is_given_back(settings_: Settings, groups: Database) -> None:
    handler, subject = Handler(), uuid.uuid4()
    handler.slow = 0.4
    send(settings_, *(message(subject, number) for number in range(1, 6)))
    with consuming(settings_, groups, handler) as consumer:
        until(lambda: handler.calls[subject] == 2)
        started = time.monotonic()
        consumer.stop(5)
        assert time.monotonic() - started < 3
    assert handler.applied[subject] == [1, 2]
    assert depth(settings_, "groups.events") == 3


def test_a_database_that_is_gone_is_nobodys_failure(settings_: Settings, groups: Database) -> None:
    handler, subject, gone = Handler(), uuid.uuid4(), threading.Event()
    gone.set()

    def handle(work: Work, event: Received) -> None:
        if gone.is_set():
            work.all("SELECT pg_terminate_backend(pg_backend_pid())")
        handler(work, event)

    with consuming(settings_, groups, handle) as consumer:
        send(settings_, message(subject, 1))
        until(lambda: consumer.counts["outage"] >= 2)
        gone.clear()
        until(lambda: handler.applied[subject] == [1])
        assert consumer.counts["failed"] == 0
    assert isinstance(consumer, Consumer)
