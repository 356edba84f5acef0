"""What the tests of the bus share: tell events, run a relay or a consumer in threads, look into queues."""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import amqp

from chassis import clock, relay
from chassis.consumer import Consumer
from chassis.db import Database
from chassis.envelope import EventType, event
from chassis.relay.figures import Figures
from chassis.settings import Settings
from deploy.local.rabbit import ADMIN
from services.directory.events import ORGANISATION_CHANGED as CHANGED
from tests.support.facts import facts


def tell(database: Database, subject: uuid.UUID, count: int = 1, *, kind: EventType = CHANGED) -> None:
    """Write `count` events of one aggregate, each in a transaction of its own."""
    for number in range(count):
        with database.background("test") as work:
            work.tell(
                event(
                    kind,
                    aggregate=(kind.noun, subject),
                    audience="network",
                    data=facts(kind, version=number),
                    at=clock.now(),
                    id=uuid.uuid4(),
                )
            )


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for something to become true; fails with its name otherwise."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)


@contextlib.contextmanager
def relaying(settings: Settings, *services: str) -> Iterator[Figures]:
    """A relay in a thread."""
    stop, figures = threading.Event(), Figures(services)
    options: dict[str, Any] = {"figures": figures, "health_port": 0}
    thread = threading.Thread(target=relay.run, args=(settings, services, stop), kwargs=options)
    thread.start()
    try:
        yield figures
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


@contextlib.contextmanager
def consuming(
    settings: Settings, database: Database, handle: Callable[..., None], *, nouns: Sequence[str] = ("organisation",)
) -> Iterator[Consumer]:
    """A consumer of the database's service in a thread."""
    consumer = Consumer(settings, database, service=database.service, nouns=nouns, dispatch=handle)
    thread = threading.Thread(target=consumer.run)
    thread.start()
    try:
        yield consumer
    finally:
        consumer.stop(10)
        thread.join(20)
        assert not thread.is_alive()


@contextlib.contextmanager
def channel_of(settings: Settings, user: str = ADMIN) -> Iterator[amqp.Channel]:
    """A bare channel of a broker user."""
    password = settings.secret(f"amqp_{user}")
    address = f"127.0.0.1:{settings.amqp_port}"
    with amqp.Connection(address, user, password, virtual_host=settings.vhost, confirm_publish=True) as connection:
        yield connection.channel()


def depth(settings: Settings, queue: str) -> int:
    """Messages that wait in a queue."""
    with channel_of(settings) as channel:
        return int(channel.queue_declare(queue, passive=True).message_count)


def taken(settings: Settings, queue: str) -> list[Any]:
    """Take all messages out of a queue."""
    messages = []
    with channel_of(settings) as channel:
        while (message := channel.basic_get(queue, no_ack=True)) is not None:
            messages.append(message)
    return messages
