"""What piled up is applied together, in one transaction; one that fails among it spoils nothing for the others."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator

import pytest

from chassis import consumer as consumer_module
from chassis.db import Database, Work
from chassis.envelope import Received
from chassis.settings import Settings
from tests.integration.bus_rig import consuming, depth, taken, until
from tests.integration.test_consumer import Handler, message, rows, send

MANY = 200
PARKED = "groups.events.parked"
TRANSACTIONS = "SELECT count(DISTINCT xmin::text) FROM inbox"


@pytest.fixture
def groups(bus: Settings) -> Iterator[Database]:
    """The consumer's database."""
    made = Database(bus, "groups")
    yield made
    made.close()


def test_what_piled_up_is_applied_in_few_transactions(bus: Settings, groups: Database) -> None:
    handler, subjects = Handler(), [uuid.uuid4() for _ in range(MANY // 4)]
    send(bus, *(message(subject, number) for number in range(1, 5) for subject in subjects))
    with consuming(bus, groups, handler):
        until(lambda: all(handler.applied[subject] == [1, 2, 3, 4] for subject in subjects))
        until(lambda: depth(bus, "groups.events") == 0)
    ((transactions,),) = rows(bus, TRANSACTIONS)
    # The broker sends in pieces and the first one comes alone, so not all are full
    assert transactions <= 4 * MANY / consumer_module.TOGETHER


def test_each_alone_waits_for_no_other(bus: Settings, groups: Database) -> None:
    handler, subject = Handler(), uuid.uuid4()
    with consuming(bus, groups, handler) as consumer:
        until(lambda: consumer.connected)
        for number in range(1, 6):
            send(bus, message(subject, number))
            until(lambda number=number: handler.applied[subject][-1:] == [number], 5)  # type: ignore[misc]
    assert rows(bus, TRANSACTIONS) == [(5,)]


def test_one_that_fails_spoils_nothing_for_those_beside_it(bus: Settings, groups: Database) -> None:
    handler, subjects = Handler(), [uuid.uuid4() for _ in range(30)]
    bad = subjects[17]
    handler.failing.add(bad)
    with consuming(bus, groups, handler) as consumer:
        until(lambda: consumer.connected)
        send(bus, *(message(subject, number) for number in (1, 2) for subject in subjects))
        until(lambda: depth(bus, PARKED) == 1)
        until(lambda: consumer.counts["applied"] == 58)
        assert consumer.counts["waiting"] == 1
    assert [each.properties["application_headers"]["tukiverkko-error"] for each in taken(bus, PARKED)] == [
        "RuntimeError"
    ]
    assert len(rows(bus, "SELECT FROM inbox")) == 58
    assert rows(bus, f"SELECT last FROM inbox_gate WHERE subject = '{bad}'") == [(0,)]
    assert rows(bus, f"SELECT DISTINCT last FROM inbox_gate WHERE subject <> '{bad}'") == [(2,)]


def test_one_that_is_unreadable_among_them_is_parked_alone(bus: Settings, groups: Database) -> None:
    handler, subject = Handler(), uuid.uuid4()
    broken = message(uuid.uuid4(), 1)
    broken.body = b"{}"
    send(bus, message(subject, 1), message(subject, 2), broken, message(subject, 3))
    with consuming(bus, groups, handler):
        until(lambda: depth(bus, PARKED) == 1 and len(rows(bus, "SELECT FROM inbox")) == 3)
    assert rows(bus, "SELECT last FROM inbox_gate") == [(3,)]


def test_slow_work_is_committed_in_pieces(bus: Settings, groups: Database) -> None:
    """So no lock, no stop and no sign of life waits for forty slow ones."""
    handler, subject = Handler(), uuid.uuid4()
    handler.slow = 0.1
    send(bus, *(message(subject, number) for number in range(1, 16)))
    with consuming(bus, groups, handler):
        until(lambda: handler.applied[subject] == list(range(1, 16)))
        until(lambda: depth(bus, "groups.events") == 0)
    ((transactions,),) = rows(bus, TRANSACTIONS)
    assert transactions >= 5


def test_what_is_done_at_the_stop_stays_done(bus: Settings, groups: Database) -> None:
    """The ones applied before the stop are committed and acknowledged, the others are given back untouched."""
    subjects = [uuid.uuid4() for _ in range(30)]
    order: list[uuid.UUID] = []

    def handle(_: Work, event: Received) -> None:
        order.append(event.subject)
        if len(order) == 10:
            consumer._stopping.set()
            time.sleep(0.05)

    send(bus, *(message(subject, 1) for subject in subjects))
    with consuming(bus, groups, handle) as consumer:
        until(lambda: len(order) >= 10 and not consumer.connected)
    assert order == subjects[:10]
    assert len(rows(bus, "SELECT FROM inbox")) == 10
    assert depth(bus, "groups.events") == 20
