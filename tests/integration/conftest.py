"""Fixtures of the tests of conformance: a bus with two ends, and one on a broker that may be stopped."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from chassis.settings import Settings
from deploy.local import broker
from tests.integration.conformance_rig import Sides
from tests.support.own_broker import OwnBroker

Make = Callable[..., Settings]


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch, vhost: Settings, service_database: Make) -> Settings:
    """A publisher's and a consumer's database and a virtual host, with delayed tries within a test's patience."""
    monkeypatch.setenv("TUKIVERKKO_RETRY_LADDER", "0.3,0.3,0.4,0.4")
    return service_database("groups", into=service_database("directory", into=vhost))


@pytest.fixture(scope="module")
def restartable(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnBroker]:
    """A broker that the tests of this file may stop, kill and start again."""
    with ExitStack() as stack:
        made = OwnBroker(settings, tmp_path_factory.mktemp("own"))
        made.start(stack)
        yield made


@pytest.fixture
def shaky(restartable: OwnBroker, service_database: Make) -> Iterator[Settings]:
    """Fresh databases, and a fresh virtual host on the broker that may be stopped."""
    at = restartable.at(service_database("groups", into=service_database("directory")))
    at = replace(at, vhost=f"test-{uuid.uuid4().hex[:12]}")
    broker.make_vhost(at, with_users=False)
    yield at
    broker.drop_vhost(at)


@pytest.fixture
def sides(settings: Settings) -> Iterator[Callable[[Settings], Sides]]:
    """Maker of the two ends of a bus; they are closed at the end of the test."""
    made: list[Sides] = []

    def make(at: Settings) -> Sides:
        made.append(Sides(at, settings))
        return made[-1]

    yield make
    for each in made:
        each.close()
