"""A consumer that silently stopped is seen, and one that the broker forgot notices by itself."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator

import amqp
import pytest

from chassis import consumer as consumers
from chassis import pulse
from chassis.db import Database, Work
from chassis.envelope import Received
from chassis.settings import Settings
from deploy.local import broker
from tests.integration.bus_rig import consuming, until
from tests.integration.test_consumer import Handler, groups, message, send, settings_, short_ladder

Make = Callable[..., Settings]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Probes and verdicts within the patience of a test."""
    monkeypatch.setattr(consumers, "PROBE_SECONDS", 0.5)
    monkeypatch.setattr(pulse, "STILL_SECONDS", 1.0)
    return


def test_a_handler_that_hangs_is_seen_from_outside(quick: None, settings_: Settings, groups: Database) -> None:
    def hang(_work: Work, _event: Received) -> None:
        time.sleep(3)

    with consuming(settings_, groups, hang) as consumer:
        until(lambda: consumer.connected)
        assert consumer.trouble is None
        send(settings_, message(uuid.uuid4(), 1))
        until(lambda: consumer.trouble == "stalled")
        until(lambda: consumer.trouble is None)


def test_waiting_for_the_database_is_no_silence(quick: None, settings_: Settings, groups: Database) -> None:
    handler = Handler()
    with consuming(settings_, groups, handler) as consumer:
        until(lambda: consumer.connected)
        begun = time.monotonic()
        while time.monotonic() - begun < 2.5:  # nothing to do is no silence either
            assert consumer.trouble is None
            time.sleep(0.05)


def test_a_consumer_that_the_broker_dropped_comes_back(
    quick: None, settings_: Settings, groups: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cancel that never arrived: the broker gives nothing any more and says nothing about it."""
    handler, subject = Handler(), uuid.uuid4()
    with consuming(settings_, groups, handler) as consumer:
        until(lambda: consumer.connected and consumer._link.channel.callbacks)
        channel = consumer._link.channel
        tag = next(iter(channel.callbacks))
        channel.send_method(amqp.spec.Basic.Cancel, "sb", (tag, True))  # behind the consumer's back
        send(settings_, message(subject, 1))
        until(lambda: handler.applied[subject] == [1])


def test_a_deleted_queue_is_made_again(quick: None, settings_: Settings, groups: Database) -> None:
    """The broker cancels the consumer of a deleted queue; it declares the queue anew and reads on."""
    handler, subject = Handler(), uuid.uuid4()
    with consuming(settings_, groups, handler) as consumer:
        until(lambda: consumer.connected)
        broker.manage(settings_, "DELETE", f"queues/{settings_.vhost}/groups.events", None)
        time.sleep(1)
        until(lambda: consumer.connected)
        until(lambda: sent(settings_, subject))
        until(lambda: handler.applied[subject])


def sent(settings: Settings, subject: uuid.UUID) -> bool:
    """Send it; True. Whoever asks again sends again, which the inbox absorbs by the id."""
    send(settings, message(subject, 1, id=uuid.uuid5(subject, "1")))
    return True
