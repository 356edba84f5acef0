"""All since a moment goes out again in lots; the cleaner leaves alone what is told again meanwhile."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import LiteralString

import psycopg
import pytest

from chassis import republish
from chassis.clock import now
from chassis.db import Database, Work
from chassis.relay import store
from chassis.settings import Settings
from tests.integration.bus_rig import tell, until
from tests.support.databases import root_url

Make = Callable[..., Settings]
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def directory(service_database: Make) -> Settings:
    return service_database("directory")


@pytest.fixture
def database(directory: Settings) -> Iterator[Database]:
    made = Database(directory, "directory")
    yield made
    made.close()


def ask(settings: Settings, query: LiteralString, *values: object) -> list[tuple[object, ...]]:
    with psycopg.connect(root_url(settings, "directory"), autocommit=True) as connection:
        cursor = connection.execute(query, values)
        return cursor.fetchall() if cursor.description else []


def test_all_since_a_moment_is_told_again_lot_by_lot(
    directory: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(republish, "ROWS_AT_ONCE", 3)
    tell(database, uuid.uuid4(), 11)
    ask(directory, "UPDATE outbox SET published_at = now() - interval '30 min'")
    ask(directory, "UPDATE outbox SET published_at = now() - interval '3 hours' WHERE sequence IN (1, 2, 3, 4, 8)")
    ask(directory, "UPDATE outbox SET published_at = NULL WHERE sequence = 6")
    until_long_ago = republish.since(database, now() - HOUR, actor="test", until=now() - HOUR)
    assert until_long_ago == 0
    assert republish.since(database, now() - HOUR, actor="test") == 5
    # the last statement of each lot is its own transaction: rows of one transaction have one xmin
    told = "SELECT count(DISTINCT xmin::text) FROM outbox WHERE published_at IS NULL AND sequence <> 6"
    assert ask(directory, told) == [(3,)]
    kept = "SELECT array_agg(sequence ORDER BY sequence) FROM outbox WHERE published_at IS NOT NULL"
    assert ask(directory, kept) == [([1, 2, 3, 4, 8],)]
    assert republish.since(database, now() - HOUR, actor="test") == 0


def test_what_is_published_meanwhile_is_not_told_again_for_ever(
    directory: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The relay publishes as fast as it is marked, and new events come too: it ends with the newest of the start."""
    monkeypatch.setattr(republish, "ROWS_AT_ONCE", 2)
    subject, publish = uuid.uuid4(), "UPDATE outbox SET published_at = now() WHERE published_at IS NULL"
    tell(database, subject, 5)
    ask(directory, publish)
    other, begin, lots = Database(directory, "directory"), database.background, list[str]()

    def beside(actor: str) -> contextlib.AbstractContextManager[Work]:
        if len(lots) < 20:
            lots.append(actor)
            tell(other, uuid.uuid4(), 2)
            ask(directory, publish)
        return begin(actor)

    monkeypatch.setattr(database, "background", beside)
    with contextlib.closing(other):
        assert republish.since(database, now() - HOUR, actor="test") == 5 + 2  # those of before the first lot


def test_the_cleaner_leaves_a_row_that_is_told_again_meanwhile(directory: Settings, database: Database) -> None:
    subject = uuid.uuid4()
    tell(database, subject, 2)
    ask(directory, "UPDATE outbox SET published_at = now() - interval '8 days'")
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'relay'"
    deleted: list[int] = []

    def clean() -> None:
        with store.connect(directory.database_url("directory")) as connection:
            deleted.append(store.clean(connection, 7))

    cleaner = threading.Thread(target=clean)
    with database.background("test") as work:
        work.run("UPDATE outbox SET published_at = NULL WHERE aggregate_id = %s AND sequence = 1", (subject,))
        cleaner.start()
        until(lambda: ask(directory, waiting) == [(1,)])
    cleaner.join(20)
    assert ask(directory, "SELECT sequence, published_at FROM outbox") == [(1, None)]
    assert deleted == [1]


def test_the_streams_of_an_object_are_found_by_an_index(directory: Settings) -> None:
    with psycopg.connect(root_url(directory, "directory")) as connection:
        connection.execute("SET enable_seqscan = off")
        plan = connection.execute("EXPLAIN " + republish._STREAMS, (uuid.uuid4(),)).fetchall()
    assert any("event_sequence_of_aggregate" in line for (line,) in plan), plan
