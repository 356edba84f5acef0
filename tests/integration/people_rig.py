"""Fixtures of the tests of people: access with an organisation, a person who came in, a clock that can be moved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import pytest

from chassis import clock
from chassis.db import Database
from chassis.settings import Settings
from tests.support.people import KEY, OTHER, Person, come_in, keep

TABLES = ("member", "invitation", "recovery_code", "member_device", "member_session")


class Clock:
    """The time of day, which stands still until a test moves it on."""

    def __init__(self) -> None:
        self.moment = clock.now()

    def now(self) -> dt.datetime:
        return self.moment

    def move(self, **by: float) -> None:
        self.moment += dt.timedelta(**by)


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(clock, "now", made.now)
    return made


@pytest.fixture
def access(service_database: Callable[..., Settings]) -> Settings:
    return service_database("access")


@pytest.fixture
def database(access: Settings) -> Iterator[Database]:
    made = Database(access, "access")
    keep(made, KEY)
    keep(made, OTHER)
    yield made
    made.close()


@pytest.fixture
def person(database: Database, access: Settings, moved: Clock) -> Person:
    return come_in(database, access)
