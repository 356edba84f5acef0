"""Rare mishaps of the bus, each of which once lost, looped or hung: foreign senders, drops, deaths, crossed locks."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import amqp
import orjson
import pytest

from chassis import inbox, retry
from chassis.db import Database, Work
from chassis.envelope import Received
from chassis.inbox import Kept
from chassis.link import LinkLost
from chassis.settings import Settings
from services.subscriptions import usecases
from services.subscriptions.store.journal import next_place
from tests.integration.bus_rig import channel_of, consuming, depth, taken, until
from tests.integration.subscriptions_rig import received
from tests.integration.test_consumer import Handler, groups, message, rows, send, settings_, short_ladder

Make = Callable[..., Settings]


def altered(told: amqp.Message, **fields: Any) -> amqp.Message:
    """The same message with other fields in its envelope."""
    body = orjson.dumps({**orjson.loads(told.body), **fields})
    return amqp.Message(body, **told.properties)


@pytest.mark.parametrize(
    "fields",
    [
        {"source": "/services/"},
        {"source": "/services/Jonas"},
        {"source": "/services/a\x00b"},
        {"sequence": 2**63},
        {"type": f"eu.tukiverkko.organisation.{'x' * 60}.v1"},
    ],
    ids=("no source", "a name for a source", "a zero byte", "a number too large", "a type too long"),
)
def test_what_no_service_of_ours_writes_is_parked_also_where_it_would_wait(
    settings_: Settings, groups: Database, fields: dict[str, Any]
) -> None:
    handler, other = Handler(), uuid.uuid4()
    with consuming(settings_, groups, handler) as consumer:
        send(settings_, altered(message(uuid.uuid4(), 2), **fields), message(other, 1))
        until(lambda: handler.applied[other] == [1])
        until(lambda: depth(settings_, "groups.events.parked") == 1)
        assert consumer.counts["unreadable"] == 1
    assert rows(settings_, "SELECT FROM inbox_waiting") == []


def test_two_events_with_one_number_do_not_both_wait(settings_: Settings, groups: Database) -> None:
    handler, subject = Handler(), uuid.uuid4()
    with consuming(settings_, groups, handler):
        send(settings_, message(subject, 2), message(subject, 2), message(subject, 3))
        until(lambda: depth(settings_, "groups.events.parked") == 1)
        send(settings_, message(subject, 1))
        until(lambda: handler.applied[subject] == [1, 2, 3])
    assert [m.properties["application_headers"][retry.PARKED] for m in taken(settings_, "groups.events.parked")] == [
        "event.sequence_repeated"
    ]


def test_while_the_ladder_takes_nothing_the_event_is_held(
    settings_: Settings, groups: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As under a memory alarm: to let go would only count deliveries up, of all that were given beside it."""
    handler, subject, refusals = Handler(), uuid.uuid4(), [1, 2, 3]
    handler.failing.add(subject)
    delay = retry.Retries.delay

    def refuse(self: retry.Retries, *arguments: Any) -> str:
        if refusals:
            refusals.pop()
            raise LinkLost("broker.blocked")
        handler.failing.clear()
        return delay(self, *arguments)

    monkeypatch.setattr(retry.Retries, "delay", refuse)
    with consuming(settings_, groups, handler) as consumer:
        send(settings_, message(subject, 1))
        until(lambda: handler.applied[subject])
        assert handler.calls[subject] == 3 + 1  # no fourth try before it was on the ladder
        assert consumer.counts["failed"] == 1


def test_an_event_that_came_back_too_often_is_parked_alone(settings_: Settings, groups: Database) -> None:
    """What killed the process thirty times is not tried again; its neighbours never shared its deliveries."""
    handler, killer, neighbour = Handler(), uuid.uuid4(), uuid.uuid4()
    send(settings_, message(killer, 1))
    with channel_of(settings_) as channel:
        for _ in range(30):
            got: Any = None
            while got is None:
                got = channel.basic_get("groups.events")
            channel.basic_reject(got.delivery_tag, requeue=True)
    send(settings_, message(killer, 2), message(neighbour, 1))
    with consuming(settings_, groups, handler):
        until(lambda: handler.applied[neighbour] == [1])
        until(lambda: depth(settings_, "groups.events.parked") == 1)
        until(lambda: rows(settings_, "SELECT reason FROM inbox_waiting") == [("blocked",)])
    assert handler.calls[killer] == 0


def of(subject: uuid.UUID, sequence: int, *, type_: str = "organisation.changed") -> tuple[Received, Kept]:
    """An event and the message it came as."""
    told = message(subject, sequence, type_=type_)
    kept = Kept(bytes(told.body, "utf-8") if isinstance(told.body, str) else told.body, told.headers)
    return kept.read(), kept


def test_dropping_the_first_event_and_a_baseline_lets_the_stream_go_on(settings_: Settings, groups: Database) -> None:
    first, _ = of(uuid.uuid4(), 1)
    early, _ = of(uuid.uuid4(), 2)
    base, _ = of(uuid.uuid4(), 7, type_="organisation.baseline")
    with groups.background("test") as work:
        inbox.block(work, (base.source, base.subject, base.audience), base.id, base.sequence)
    for event, goes_on in ((first, True), (early, False), (base, True)):
        with groups.background("test") as work:
            assert inbox.skip(work, event) is goes_on
    assert rows(settings_, "SELECT subject, last FROM inbox_gate WHERE last > 0") == [(first.subject, 1)]
    assert rows(settings_, "SELECT FROM inbox_gate WHERE blocked_by IS NOT NULL") == []


@pytest.fixture
def subscriptions(service_database: Make) -> Iterator[Database]:
    made = Database(service_database("subscriptions"), "subscriptions")
    yield made
    made.close()


def test_two_writers_of_the_journal_never_wait_crosswise(subscriptions: Database) -> None:
    meet, faults = threading.Barrier(2, timeout=5), []

    def write(*streams: str) -> None:
        try:
            with subscriptions.background("test") as work:
                next_place(work, streams[0])
                with_patience(meet)
                next_place(work, streams[1])
        except Exception as fault:  # noqa: BLE001 - it is what the test is about
            faults.append(fault)

    for each in ("network", "org:x"):  # the rows exist, else the second waits for the first at its very beginning
        with subscriptions.background("test") as work:
            next_place(work, each)
    threads = [threading.Thread(target=write, args=pair) for pair in (("network", "org:x"), ("org:x", "network"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert faults == []


def with_patience(barrier: threading.Barrier) -> None:
    """Wait for the other writer a moment; it comes only where nothing keeps it from coming."""
    try:
        barrier.wait(1)
    except threading.BrokenBarrierError:
        return


def test_fields_outside_the_contract_do_not_leave(subscriptions: Database) -> None:
    event = received("network")
    event.data["nickname"] = "Jonas"
    with subscriptions.background("test") as work:
        usecases.journal(work, event)

    def stored(work: Work) -> str:
        row = work.one("SELECT convert_from(body, 'utf8') AS text FROM journal")
        assert row is not None
        return str(row["text"])

    with subscriptions.background("test") as work:
        text = stored(work)
    assert '"state"' in text
    assert "Jonas" not in text
