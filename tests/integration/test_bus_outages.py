"""Conformance of the broker path while the broker goes and comes: on a RabbitMQ of this file's own."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable

import pytest

from chassis.settings import Settings
from tests.integration.bus_rig import consuming, depth, relaying, taken, tell, until
from tests.integration.conformance_rig import PARKED, PATIENCE, Sides, all_quiet, body_of, expected, send, unpublished
from tests.support.own_broker import OwnBroker

MakeSides = Callable[[Settings], Sides]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_broker_that_restarts_while_events_flow_loses_nothing(
    restartable: OwnBroker, shaky: Settings, sides: MakeSides, how: str
) -> None:
    side, subjects = sides(shaky), [uuid.uuid4() for _ in range(5)]

    def write() -> None:
        for _ in range(40):
            for subject in subjects:
                tell(side.publisher, subject)
            time.sleep(0.05)

    with relaying(shaky, "directory"), consuming(shaky, side.consumer, side.ledger) as consumer:
        writer = threading.Thread(target=write)
        writer.start()
        until(lambda: side.ledger.count() >= 30)
        getattr(restartable, how)()
        until(lambda: not consumer.connected)
        restartable.up()
        writer.join()
        until(lambda: side.ledger.count() == 200, PATIENCE)
        until(lambda: unpublished(side) == 0 and all_quiet(shaky), PATIENCE)
    assert side.ledger.applied() == expected(subjects, 40)
    assert side.ledger.rows("SELECT FROM inbox_waiting") == []


@pytest.mark.slow
def test_connections_that_the_broker_cuts_are_made_again(
    restartable: OwnBroker, shaky: Settings, sides: MakeSides
) -> None:
    side, subject = sides(shaky), uuid.uuid4()
    with relaying(shaky, "directory") as figures, consuming(shaky, side.consumer, side.ledger):
        tell(side.publisher, subject, 10)
        until(lambda: side.ledger.count() == 10)
        restartable.control("close_all_connections", "--vhost", shaky.vhost, "a test")
        tell(side.publisher, subject, 10)
        until(lambda: side.ledger.count() == 20, PATIENCE)
        assert figures.snapshot()["directory"]["broker"]
    assert side.ledger.applied() == expected([subject], 20)


@pytest.mark.slow
def test_what_is_parked_survives_the_broker(restartable: OwnBroker, shaky: Settings, sides: MakeSides) -> None:
    side, subject = sides(shaky), uuid.uuid4()
    with consuming(shaky, side.consumer, side.ledger):
        send(shaky, b"no event")
        until(lambda: depth(shaky, PARKED) == 1)
        restartable.kill()
        restartable.up()
        send(shaky, body_of(subject, 1))
        until(lambda: side.ledger.of(subject) == [1], PATIENCE)
    (message,) = taken(shaky, PARKED)
    assert bytes(message.body) == b"no event"
    assert message.properties["application_headers"]["tukiverkko-parked"] == "event.no_json"
