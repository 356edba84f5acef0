"""The journal's retention on a real database: the oldest go, as one piece, and positions go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from chassis.db import Database
from chassis.settings import Settings
from services.subscriptions import usecases, views
from services.subscriptions.rules import owner_of
from tests.integration.subscriptions_rig import journal, received
from tests.support.databases import root_url

MINE = "org:4f6c1a52-9d0e-4b7a-8c35-7e1d2b90a6f1"
OTHERS = "org:b83d57e0-1c4f-4f29-9a6e-05d8c7b2e413"


@pytest.fixture
def subscriptions(service_database: Callable[..., Settings]) -> Settings:
    return service_database("subscriptions")


@pytest.fixture
def database(subscriptions: Settings) -> Iterator[Database]:
    made = Database(subscriptions, "subscriptions")
    yield made
    made.close()


def age(settings: Settings, days: int, where: str = "true") -> None:
    """Make rows older."""
    with psycopg.connect(root_url(settings, "subscriptions")) as connection:
        connection.execute(
            f"UPDATE journal SET recorded_at = recorded_at - make_interval(days => {days}) WHERE {where}"
        )


def kept(settings: Settings, stream: str) -> list[int]:
    """The positions that are still there."""
    with psycopg.connect(root_url(settings, "subscriptions")) as connection:
        rows = connection.execute("SELECT position FROM journal WHERE stream = %s ORDER BY position", (stream,))
        return [row[0] for row in rows]


def test_what_is_too_old_goes_in_every_stream(subscriptions: Settings, database: Database) -> None:
    for stream in (MINE, OTHERS, "network"):
        journal(database, *(received(stream) for _ in range(5)))
    age(subscriptions, 31, "position <= 3")
    age(subscriptions, 29, "position = 4")
    assert usecases.sweep(database, 30, most=2) == 9
    assert [kept(subscriptions, stream) for stream in (MINE, OTHERS, "network")] == [[4, 5]] * 3
    assert usecases.sweep(database, 30) == 0
    assert usecases.sweep(database, 28) == 3


def test_nothing_goes_out_of_the_middle(subscriptions: Settings, database: Database) -> None:
    """The moment of writing is taken before the position, so that ages may cross."""
    journal(database, *(received(MINE) for _ in range(5)))
    age(subscriptions, 40, "position IN (1, 3, 4)")
    assert usecases.sweep(database, 30) == 1
    assert kept(subscriptions, MINE) == [2, 3, 4, 5]


def test_an_emptied_stream_goes_on_where_it_was(subscriptions: Settings, database: Database) -> None:
    journal(database, *(received(MINE) for _ in range(3)))
    age(subscriptions, 400)
    assert usecases.sweep(database, 365) == 3
    journal(database, received(MINE))
    assert kept(subscriptions, MINE) == [4]
    with database.background("test", org=owner_of(MINE)) as work:
        page = views.page(work, MINE, after=3, limit=10)
        assert (page.oldest, page.last, [row.position for row in page.rows]) == (4, 4, [4])


@pytest.mark.parametrize(("acting", "takes"), [(MINE, MINE), ("network", "network")])
def test_row_security_lets_nobody_take_from_others(
    subscriptions: Settings, database: Database, acting: str, takes: str
) -> None:
    for stream in (MINE, OTHERS, "network"):
        journal(database, received(stream))
    with database.background("test", org=owner_of(acting)) as work:
        assert work.run("DELETE FROM journal", expect=None) == 1
    assert [stream for stream in (MINE, OTHERS, "network") if not kept(subscriptions, stream)] == [takes]
