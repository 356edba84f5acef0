"""A consumer at which everything fails pauses and probes; what it needs to hand a failing event on is made anew."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator

import amqp
import pytest

from chassis import retry, settling
from chassis.db import Database, Work
from chassis.envelope import Received
from chassis.settings import Settings
from deploy.local import broker
from tests.integration.bus_rig import channel_of, consuming, depth, taken, until
from tests.integration.test_consumer import Handler, message, rows, send

PARKED = "groups.events.parked"
OUTAGE_SECONDS = 5.0


@pytest.fixture
def groups(bus: Settings) -> Iterator[Database]:
    """The consumer's database."""
    made = Database(bus, "groups")
    yield made
    made.close()


class Broken(Handler):
    """A handler that fails for everybody while it is out of order, and says so with a wrong reason."""

    def __init__(self) -> None:
        super().__init__()
        self.out = True

    def __call__(self, work: Work, event: Received) -> None:
        """Fail, or handle."""
        if self.out:
            self.calls[event.subject] += 1
            raise RuntimeError
        super().__call__(work, event)


def test_an_outage_of_what_all_handlers_need_uses_up_no_ladder(
    bus: Settings, groups: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ladder of this test is over after 1.4 s, the outage lasts several times as long.

    Each object has a second event, which waits behind the first one and so never fails itself.
    """
    monkeypatch.setattr(settling, "PROBES", (0.3,) * 100)
    handler, subjects = Broken(), [uuid.uuid4() for _ in range(25)]
    send(bus, *(message(subject, number) for subject in subjects for number in (1, 2)))
    with consuming(bus, groups, handler) as consumer:
        until(lambda: consumer.counts["probed"] >= 3)
        assert consumer.trouble == "all_fail"
        time.sleep(OUTAGE_SECONDS)
        spent = consumer.counts["failed"]
        handler.out = False
        until(lambda: all(handler.applied[subject] == [1, 2] for subject in subjects))
        until(lambda: consumer.trouble is None)
    assert spent == settling.FAILURES_IN_A_ROW - 1  # the next one was held back and not spent
    assert depth(bus, PARKED) == 0
    assert rows(bus, "SELECT FROM inbox_waiting") == []


def test_one_that_is_wrong_itself_is_held_back_for_a_while_only(
    bus: Settings, groups: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "PROBES", (0.02,) * 2)
    handler, bad, good = Handler(), [uuid.uuid4() for _ in range(12)], uuid.uuid4()
    handler.failing |= set(bad)
    with consuming(bus, groups, handler) as consumer:
        send(bus, *(message(subject, 1) for subject in bad), message(good, 1))
        until(lambda: handler.applied[good] == [1])
        until(lambda: depth(bus, PARKED) == len(bad))
        assert consumer.counts["probed"] > 0


@pytest.mark.parametrize("queue", ["groups.events.retry.1", PARKED])
def test_a_deleted_queue_for_what_fails_is_made_again(bus: Settings, groups: Database, queue: str) -> None:
    handler, subject, other = Handler(), uuid.uuid4(), uuid.uuid4()
    with consuming(bus, groups, handler) as consumer:
        until(lambda: consumer.connected)
        send(bus, message(uuid.uuid4(), 1, type_="organisation.abducted"))  # so that the way is open already
        until(lambda: depth(bus, PARKED) == 1)
        taken(bus, PARKED)
        broker.manage(bus, "DELETE", f"queues/{bus.vhost}/{queue}", None)
        handler.failing.add(subject)
        send(bus, message(subject, 1), message(other, 1))
        until(lambda: handler.applied[other] == [1])
        until(lambda: lies(bus, PARKED) == 1)
        assert consumer.trouble is None


def lies(settings: Settings, queue: str) -> int:
    """How many messages lie in a queue that may not be there at the moment."""
    try:
        return depth(settings, queue)
    except amqp.NotFound:
        return 0


def test_a_number_of_tries_that_cannot_be_is_parked_once_it_fails(bus: Settings, groups: Database) -> None:
    handler, counted = Handler(), {uuid.uuid4(): said for said in (-7, 5, 2**40, True, "two")}
    handler.failing |= counted.keys()
    with consuming(bus, groups, handler), channel_of(bus) as channel:
        for subject, said in counted.items():
            each = message(subject, 1)
            each.properties["application_headers"][retry.ATTEMPT] = said
            channel.basic_publish(each, "groups.events", "groups.events")
        until(lambda: depth(bus, PARKED) == len(counted))
        # one more where it was tried together with others first
        assert all(count - settling.TRIES_AT_ONCE in {0, 1} for count in handler.calls.values())
    reasons = [each.properties["application_headers"][retry.PARKED] for each in taken(bus, PARKED)]
    assert reasons == ["tries.uncounted"] * len(counted)
