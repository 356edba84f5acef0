"""Conformance of the broker path: a relay, a real RabbitMQ, real consumers; what the bus promises, fault by fault.

The questions are those that every adapter of a message library has to answer (order, redelivery, no acknowledgement,
close while busy); the answers are read from the consumer's database, where each event may stand once. Restarts of the
broker are in test_bus_outages, messages that are not ours in test_bus_bad_input.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack

import orjson
import pytest

from chassis.clock import now
from chassis.consumer import PREFETCH
from chassis.envelope import LARGEST_BODY, event
from chassis.link import Link
from chassis.settings import Settings
from deploy.local import broker
from tests.integration.bus_rig import CHANGED, channel_of, consuming, depth, relaying, taken, tell, until
from tests.integration.conformance_rig import PATIENCE, QUEUE, Sides, all_quiet, body_of, expected, send, unpublished
from tests.support.facts import facts

MakeSides = Callable[[Settings], Sides]

# order


def test_order_within_an_aggregate(bus: Settings, sides: MakeSides) -> None:
    side, subject = sides(bus), uuid.uuid4()
    with relaying(bus, "directory"), consuming(bus, side.consumer, side.ledger):
        tell(side.publisher, subject, 200)
        until(lambda: side.ledger.count() == 200, PATIENCE)
    assert side.ledger.applied() == expected([subject], 200)
    assert all_quiet(bus)


def test_order_with_aggregates_told_at_the_same_time(bus: Settings, sides: MakeSides) -> None:
    side, subjects = sides(bus), [uuid.uuid4() for _ in range(8)]
    with relaying(bus, "directory"), consuming(bus, side.consumer, side.ledger):
        writers = [threading.Thread(target=tell, args=(side.publisher, subject, 25)) for subject in subjects]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        until(lambda: side.ledger.count() == 200, PATIENCE)
    assert side.ledger.applied() == expected(subjects, 25)


def test_two_consumers_of_one_queue_keep_the_order(bus: Settings, sides: MakeSides) -> None:
    side, subjects = sides(bus), [uuid.uuid4() for _ in range(6)]
    for _ in range(20):
        for subject in subjects:
            tell(side.publisher, subject)
    with ExitStack() as stack:
        both = [stack.enter_context(consuming(bus, side.consumer, side.ledger)) for _ in range(2)]
        until(lambda: all(each.connected for each in both))
        stack.enter_context(relaying(bus, "directory"))
        until(lambda: side.ledger.count() == 120, PATIENCE)
        until(lambda: all_quiet(bus))
        shares = [each.counts["applied"] + each.counts["waiting"] for each in both]
    assert side.ledger.applied() == expected(subjects, 20)
    assert all(shares), "one of the two read nothing, so nothing was proven"
    assert side.ledger.rows("SELECT FROM inbox_waiting") == []


# acknowledgement


def test_an_event_whose_handler_failed_comes_again(bus: Settings, sides: MakeSides) -> None:
    side, subject, other = sides(bus), uuid.uuid4(), uuid.uuid4()
    side.ledger.failing[subject, 3] = 5  # three tries at once, then two after a pause
    with relaying(bus, "directory"), consuming(bus, side.consumer, side.ledger) as consumer:
        tell(side.publisher, subject, 6)
        tell(side.publisher, other, 6)
        until(lambda: side.ledger.count() == 12, PATIENCE)
        until(lambda: all_quiet(bus))
    assert side.ledger.applied() == expected([subject, other], 6)
    assert side.ledger.calls[subject, 3] >= 6
    assert consumer.counts["failed"] == 1


def test_what_was_not_acknowledged_comes_to_another_consumer(bus: Settings, sides: MakeSides) -> None:
    side, subject = sides(bus), uuid.uuid4()
    tell(side.publisher, subject, 10)
    with relaying(bus, "directory"):
        until(lambda: depth(bus, QUEUE) == 10)
    with channel_of(bus, "groups") as channel:
        assert [channel.basic_get(QUEUE) is not None for _ in range(4)] == [True] * 4
        with consuming(bus, side.consumer, side.ledger) as consumer:
            until(lambda: consumer.counts["waiting"] == 6)  # the first four are in other hands
            assert side.ledger.count() == 0
            channel.connection.close()
            until(lambda: side.ledger.count() == 10)
    assert side.ledger.applied() == expected([subject], 10)


def test_a_lost_acknowledgement_applies_nothing_twice(bus: Settings, sides: MakeSides) -> None:
    """The connection goes after the commit and before the acknowledgement."""
    side, subject, cut = sides(bus), uuid.uuid4(), threading.Event()

    def handle(work: object, received: object) -> None:
        side.ledger(work, received)  # type: ignore[arg-type]
        if received.sequence == 3 and not cut.is_set():  # type: ignore[attr-defined]
            cut.set()
            consumer._link._cut()

    with consuming(bus, side.consumer, handle) as consumer, relaying(bus, "directory"):
        until(lambda: consumer.connected)
        tell(side.publisher, subject, 8)
        until(lambda: side.ledger.count() == 8)
        until(lambda: consumer.counts["seen"] >= 1 and all_quiet(bus))
    assert side.ledger.applied() == expected([subject], 8)


def test_at_most_the_prefetch_is_in_one_consumers_hands(bus: Settings, sides: MakeSides) -> None:
    side, subject, more = sides(bus), uuid.uuid4(), 30
    assert PREFETCH > 1
    side.ledger.slow = 0.05
    tell(side.publisher, subject, PREFETCH + more)
    with relaying(bus, "directory"):
        until(lambda: depth(bus, QUEUE) == PREFETCH + more)
    with consuming(bus, side.consumer, side.ledger) as consumer:
        side.ledger.busy.wait(30)
        assert depth(bus, QUEUE) >= more  # the first batch is in work and not acknowledged
        assert consumer.counts["applied"] == 0
        until(lambda: side.ledger.count() == PREFETCH + more, PATIENCE)
    assert side.ledger.applied() == expected([subject], PREFETCH + more)


# closing


def test_a_consumer_that_closes_while_busy_finishes_or_gives_back(bus: Settings, sides: MakeSides) -> None:
    side, subject = sides(bus), uuid.uuid4()
    side.ledger.slow = 0.05
    tell(side.publisher, subject, 60)
    with relaying(bus, "directory"):
        until(lambda: depth(bus, QUEUE) == 60)
    with consuming(bus, side.consumer, side.ledger) as first:
        side.ledger.busy.wait(30)
        first.stop(10)
    done = side.ledger.count()
    assert 0 < done < 60
    assert depth(bus, QUEUE) == 60 - done  # nothing lost, nothing kept back
    with consuming(bus, side.consumer, side.ledger) as second:
        until(lambda: side.ledger.count() == 60, PATIENCE)
    assert second.counts["applied"] == 60 - done
    assert side.ledger.applied() == expected([subject], 60)


def test_a_consumer_that_leaves_at_once_applies_nothing_twice(bus: Settings, sides: MakeSides) -> None:
    """What it had in work comes to the next one while the first is still at it: the gate makes the second wait."""
    side, subject = sides(bus), uuid.uuid4()
    side.ledger.slow = 0.6
    with consuming(bus, side.consumer, side.ledger) as first:
        until(lambda: first.connected)
        send(bus, body_of(subject, 1))
        side.ledger.busy.wait(30)
        first.stop(0)
        with consuming(bus, side.consumer, side.ledger) as second:
            send(bus, body_of(subject, 2))
            until(lambda: side.ledger.count() == 2 and all_quiet(bus))
            until(lambda: second.counts["seen"] == 1)
    assert side.ledger.applied() == expected([subject], 2)


def test_a_consumer_that_starts_late_has_it_all(bus: Settings, sides: MakeSides) -> None:
    side, subjects = sides(bus), [uuid.uuid4() for _ in range(3)]
    for subject in subjects:
        tell(side.publisher, subject, 30)
    with relaying(bus, "directory"):
        until(lambda: unpublished(side) == 0)
    assert depth(bus, QUEUE) == 90
    with consuming(bus, side.consumer, side.ledger):
        until(lambda: side.ledger.count() == 90, PATIENCE)
    assert side.ledger.applied() == expected(subjects, 30)


# publishing


def test_what_the_broker_did_not_confirm_is_published_again(
    bus: Settings, sides: MakeSides, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker has the messages, but the connection goes before it can say so."""
    side, subject, cut, real = sides(bus), uuid.uuid4(), threading.Event(), Link._send

    def send_and_cut(link: Link, message: object) -> None:
        real(link, message)  # type: ignore[arg-type]
        if not cut.is_set() and message.key == 5:  # type: ignore[attr-defined]
            cut.set()
            time.sleep(0.5)  # the broker has all of it by now
            raise ConnectionResetError

    monkeypatch.setattr(Link, "_send", send_and_cut)
    tell(side.publisher, subject, 5)
    with consuming(bus, side.consumer, side.ledger) as consumer, relaying(bus, "directory"):
        until(lambda: cut.is_set() and unpublished(side) == 0)
        until(lambda: side.ledger.count() == 5 and all_quiet(bus))
        until(lambda: consumer.counts["seen"] == 5)  # on the wire twice, applied once
    assert side.ledger.applied() == expected([subject], 5)


def test_what_a_full_queue_refused_is_published_again(bus: Settings, sides: MakeSides) -> None:
    side, subject = sides(bus), uuid.uuid4()
    policy = {"pattern": r"^groups\.events$", "definition": {"max-length": 10}, "apply-to": "queues"}
    broker.manage(bus, "PUT", f"policies/{bus.vhost}/tight", policy)
    tell(side.publisher, subject, 10)
    with relaying(bus, "directory"):
        until(lambda: depth(bus, QUEUE) == 10)
        while not refused(side):  # a quorum queue takes a few more before it knows that it is full
            tell(side.publisher, subject)
            time.sleep(0.05)
        tell(side.publisher, subject)
        with consuming(bus, side.consumer, side.ledger):
            until(lambda: side.ledger.count() > 11 and unpublished(side) == 0, PATIENCE)
            until(lambda: all_quiet(bus))
    assert side.ledger.applied() == expected([subject], side.ledger.count())


def refused(side: Sides) -> int:
    """Rows that a queue declined."""
    with side.publisher.view() as work:
        row = work.one("SELECT count(*) AS count FROM outbox WHERE last_error = 'refused_by_queue'")
    return int(row["count"]) if row else 0


def test_what_could_go_nowhere_is_kept_until_it_can(bus: Settings, sides: MakeSides) -> None:
    side, subject = sides(bus), uuid.uuid4()
    for queue in ("groups", "referrals", "access", "subscriptions"):
        broker.manage(bus, "DELETE", f"queues/{bus.vhost}/{queue}.events", None)
    with relaying(bus, "directory") as figures:
        tell(side.publisher, subject, 3)
        until(lambda: figures.snapshot()["directory"]["returned"] >= 3)
        assert unpublished(side) == 3
        with consuming(bus, side.consumer, side.ledger):  # declares its queue and binds it
            until(lambda: side.ledger.count() == 3 and unpublished(side) == 0)
    assert side.ledger.applied() == expected([subject], 3)


def test_a_message_of_many_frames_arrives_whole(bus: Settings, sides: MakeSides) -> None:
    side, subject = sides(bus), uuid.uuid4()
    names = {f"lt-{number:05d}": "Centras " * 35 for number in range(800)}
    with relaying(bus, "directory"), consuming(bus, side.consumer, side.ledger) as consumer:
        tell(side.publisher, subject)
        with side.publisher.background("test") as work:
            about = ("organisation", subject)
            told = {"aggregate": about, "audience": "network", "at": now(), "id": uuid.uuid4()}
            work.tell(event(CHANGED, data=facts(CHANGED, names=names), **told))
        tell(side.publisher, subject)
        until(lambda: side.ledger.count() == 3)
    assert side.ledger.applied() == expected([subject], 3)
    assert consumer.counts["applied"] == 3
    bodies = [message.body for message in taken(bus, "subscriptions.events")]
    assert 131_072 < max(map(len, bodies)) < LARGEST_BODY  # more than one frame, less than the limit
    assert names in [orjson.loads(body)["data"]["names"] for body in bodies]
