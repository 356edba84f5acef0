"""The journal on a real database: positions without a gap, the same bytes on every way out, nobody else's events."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import psycopg
import pytest

from chassis.bell import Bell
from chassis.db import Database
from chassis.identity import Caller
from chassis.requests import Call
from chassis.settings import Settings
from services.groups.events import GROUP
from services.subscriptions import usecases, views
from services.subscriptions.rules import JournalCut
from tests.integration.subscriptions_rig import MOVED, journal, received
from tests.support.databases import root_url

ORG, OTHER = uuid.uuid4(), uuid.uuid4()


@pytest.fixture
def subscriptions(service_database: Callable[..., Settings]) -> Settings:
    return service_database("subscriptions")


@pytest.fixture
def database(subscriptions: Settings) -> Iterator[Database]:
    made = Database(subscriptions, "subscriptions")
    yield made
    made.close()


def ask(database: Database, *, org: uuid.UUID = ORG, **query: Any) -> dict[str, Any]:
    caller = Caller("client:test", org, "lt-test", frozenset({"subscriber"}), "t")
    asked = {"stream": "org", "after": 0, "limit": 50, "types": [], "wait": 0, **query}
    call = Call(route="GET /events", operation="event.read", caller=caller, query=asked)
    found = usecases.feed(database, Bell(lambda _names: {}), call)
    assert isinstance(found, bytes)
    answer: dict[str, Any] = orjson.loads(found)
    return answer


def outbox(settings: Settings) -> list[tuple[Any, ...]]:
    with psycopg.connect(root_url(settings, "subscriptions")) as connection:
        return connection.execute("SELECT id, exchange, routing_key, sequence, body FROM outbox ORDER BY no").fetchall()


def test_an_event_goes_to_the_stream_of_its_audience_with_the_same_bytes(
    subscriptions: Settings, database: Database
) -> None:
    own, public, inside = received(f"org:{ORG}"), received("network", kind=GROUP["opened"]), received("")
    journal(database, own, public, inside)
    rows = outbox(subscriptions)
    assert [(row[0], row[1], row[2], row[3]) for row in rows] == [
        (own.id, "partners", f"org.{ORG}.referral.sent", 1),
        (public.id, "partners", "network.group.opened", 1),
    ]
    feed = ask(database)
    assert feed["next"] == 1
    assert feed["events"] == [orjson.loads(rows[0][4])]
    with psycopg.connect(root_url(subscriptions, "subscriptions")) as connection:
        kept = connection.execute("SELECT body FROM journal ORDER BY recorded_at").fetchall()
    assert [bytes(row[0]) for row in kept] == [bytes(row[4]) for row in rows]


def test_nothing_of_the_inside_leaves(database: Database) -> None:
    told = received(f"org:{ORG}")
    journal(database, told)
    (outside,) = ask(database)["events"]
    names = {
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "time",
        "dataschema",
        "datacontenttype",
        "sequence",
        "data",
    }
    assert set(outside) == names | {"stream", "position"}
    assert (outside["stream"], outside["position"], outside["sequence"]) == (f"org:{ORG}", 1, 1)
    assert "inner" not in orjson.dumps(outside).decode()


def test_a_feed_shows_the_network_and_oneself_only(database: Database) -> None:
    journal(database, received(f"org:{OTHER}"), received("network", kind=GROUP["opened"]))
    assert ask(database) == {"events": [], "next": 0}
    assert len(ask(database, stream="network")["events"]) == 1
    assert len(ask(database, org=OTHER)["events"]) == 1


def test_row_security_alone_keeps_a_foreign_stream_shut(database: Database) -> None:
    journal(database, received(f"org:{OTHER}"), received("network"))
    with database.background("test", org=ORG) as work:
        assert views.page(work, f"org:{OTHER}", after=0, limit=10).rows == []
        assert len(views.page(work, "network", after=0, limit=10).rows) == 1
    with database.background("test") as work:
        assert views.page(work, f"org:{OTHER}", after=0, limit=10).rows == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.background("test") as work:
        work.run("UPDATE journal SET type = 'x'", expect=None)


def test_paging_and_types(database: Database) -> None:
    audience = f"org:{ORG}"
    journal(database, *(received(audience, kind=kind) for kind in (MOVED, GROUP["opened"], MOVED, MOVED)))
    first = ask(database, limit=2)
    assert ([each["position"] for each in first["events"]], first["next"]) == ([1, 2], 2)
    second = ask(database, after=2, limit=2)
    assert ([each["position"] for each in second["events"]], second["next"]) == ([3, 4], 4)
    assert ask(database, after=4) == {"events": [], "next": 4}
    assert [each["position"] for each in ask(database, types=["group.opened"])["events"]] == [2]


def test_a_reader_behind_the_journal_is_told_so(subscriptions: Settings, database: Database) -> None:
    journal(database, *(received(f"org:{ORG}") for _ in range(6)))
    with psycopg.connect(root_url(subscriptions, "subscriptions")) as connection:
        connection.execute("DELETE FROM journal WHERE position <= 4")
    with pytest.raises(JournalCut) as refused:
        ask(database, after=2)
    assert refused.value.members == {"oldest": 5}
    assert [each["position"] for each in ask(database, after=4)["events"]] == [5, 6]
    assert [each["position"] for each in ask(database, after=0)["events"]] == [5, 6]
    with psycopg.connect(root_url(subscriptions, "subscriptions")) as connection:
        connection.execute("DELETE FROM journal")
    with pytest.raises(JournalCut):
        ask(database, after=5)
    assert ask(database, after=6) == {"events": [], "next": 6}


class Broken(Exception):
    """What a failing transaction raises."""


def write(database: Database, number: int) -> None:
    """Journal 25 events, of which every fifth fails and is rolled back."""
    for turn in range(25):
        told = received("network" if turn % 2 else f"org:{ORG}")
        with contextlib.suppress(Broken), database.background("test", cause=told) as work:
            usecases.journal(work, told)
            if turn % 5 == number:
                raise Broken


def positions(database: Database, stream: str) -> list[int]:
    """What a reader sees of a stream now."""
    return [each["position"] for each in ask(database, stream=stream, limit=200)["events"]]


def test_writers_in_parallel_leave_no_gap_and_no_hidden_row(database: Database) -> None:
    """Trap 9: whoever sees a position sees all before it, also while others write and some fail."""
    seen = []
    writers = [threading.Thread(target=write, args=(database, number)) for number in range(4)]
    for thread in writers:
        thread.start()
    while any(thread.is_alive() for thread in writers):
        seen.append(positions(database, "org"))
    for thread in writers:
        thread.join()
    assert all(each == list(range(1, len(each) + 1)) for each in seen)
    own, public = positions(database, "org"), positions(database, "network")
    assert (own, public) == (list(range(1, len(own) + 1)), list(range(1, len(public) + 1)))
    assert len(own) + len(public) == 4 * 20
