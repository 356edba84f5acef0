"""What the tests of grants and subscribers share: organisations, events, the partner's side of a grant."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pika

from chassis import clock
from chassis.db import Database, Work
from chassis.envelope import EventType, Received, event
from chassis.keyed_ids import id_of_key
from services.referrals import events as referrals
from services.subscriptions import usecases
from services.subscriptions.store.journal import keep_partner
from services.subscriptions.usecases import Grant
from tests.support.facts import facts

SAMPLE = Path(__file__).parents[2] / "docs" / "subscribe" / "subscriber.py"
MOVED = referrals.TYPES["sent"]


def know(database: Database, key: str, *, status: str = "active") -> uuid.UUID:
    """Let subscriptions know an organisation, as its organisation.* events would."""
    org = id_of_key("organisation", key)
    with database.background("test") as work:
        keep_partner(work, {"org_id": org, "key": key, "status": status, "version": 1})
    return org


def tell(database: Database, audience: str, *, kind: EventType = MOVED, count: int = 1) -> list[uuid.UUID]:
    """Write events with this audience, each about something new; returns their ids."""
    ids = [uuid.uuid4() for _ in range(count)]
    for id_ in ids:
        with database.background("test") as work:
            about = (kind.noun, uuid.uuid4())
            work.tell(event(kind, aggregate=about, audience=audience, data=facts(kind), at=clock.now(), id=id_))
    return ids


def received(audience: str, *, kind: EventType = MOVED) -> Received:
    """One event as the consumer hands it over, with all inner headers."""
    return Received(
        id=uuid.uuid4(),
        type=kind.name,
        version=1,
        source=kind.source,
        subject=uuid.uuid4(),
        audience=audience,
        sequence=1,
        time=clock.now(),
        data=facts(kind),
        traceparent="00-inner-trace-01",
        correlation_id="inner",
        causation_id="inner",
    )


def journal(database: Database, *events: Received) -> None:
    """Take events in, each in a transaction of its own."""
    for each in events:
        with database.background("test", cause=each) as work:
            usecases.journal(work, each)


def handle(work: Work, each: Received) -> None:
    """What the service's subscription does."""
    usecases.journal(work, each)


@contextlib.contextmanager
def connected(grant: Grant) -> Iterator[pika.BlockingConnection]:
    """A connection of the partner's."""
    connection = pika.BlockingConnection(pika.URLParameters(grant.amqp_url))
    try:
        yield connection
    finally:
        if connection.is_open:
            connection.close()


class Sample:
    """The sample subscriber as a process of its own, and the lines it has printed."""

    def __init__(self, address: str, queue: str, state: Path) -> None:
        environment = {**os.environ, "PARTNER_AMQP_URL": address, "PARTNER_QUEUE": queue, "PARTNER_STATE": str(state)}
        command = [sys.executable, str(SAMPLE)]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def events(self) -> list[str]:
        """The lines that tell of an event."""
        return [line for line in self.lines if line.endswith(" ms")]

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait(10)
        self._reader.join(10)
        if self.process.stdout:
            self.process.stdout.close()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.append(line.rstrip("\n"))
