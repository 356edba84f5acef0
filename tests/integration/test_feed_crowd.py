"""Two hundred clients that wait for events cost no worker and no connection; directly, and through the gateway."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from chassis.db import Database
from chassis.http.places import MOST_WAITING, MOST_WAITING_EACH
from chassis.settings import Settings
from tests.integration.bus_rig import relaying, until
from tests.integration.feed_rig import ORG, OTHER, Client, Running, begin, open_client, placed
from tests.integration.subscriptions_rig import journal, received, tell
from tests.support.databases import root_url

MINE = f"org:{ORG}"


@pytest.fixture
def few(vhost: Settings, service_database: Callable[..., Settings]) -> Settings:
    """Settings under which a held worker or connection would be missed at once."""
    made = placed(service_database("subscriptions", into=vhost))
    narrow = {"TUKIVERKKO_WORKERS": "4", "TUKIVERKKO_POOL_SIZE": "2"}
    return replace(made, environment={**(made.environment or {}), **narrow})


@pytest.fixture
def database(few: Settings) -> Iterator[Database]:
    made = Database(few, "subscriptions")
    yield made
    made.close()


def waiting(stack: ExitStack, running: Running, count: int, *, stream: str = "org", orgs: int = 1) -> list[Client]:
    """So many clients that wait, every other one on a stream; of one organisation, or of several in equal parts."""
    paths = (f"/events/stream?after=1&stream={stream}", f"/events?after=1&wait=30&stream={stream}")
    owners = [ORG, *(uuid.uuid4() for _ in range(orgs - 1))]
    made = [open_client(running, paths[number % 2], org=owners[number % orgs]) for number in range(count)]
    for each in made:
        stack.callback(each.sock.close)
    for each in made[::2]:
        each.until(b"retry", seconds=30)
    until(lambda: f"http_requests_waiting {count}.0".encode() in running.get("/metrics").body)
    return made


def all_get(clients: list[Client], position: int) -> None:
    """Wait until everybody has the event."""
    word = b'"position":%d,' % position

    def all_have() -> bool:
        for each in clients:
            each.pump()
        return all(word in each.got for each in clients)

    until(all_have)


def transactions(feed: Running, settings: Settings) -> int:
    """How many transactions the service's database has seen."""
    time.sleep(1.2)  # a connection tells its count with the first statement that comes a second after the last telling
    for _ in range(4):
        assert feed.get("/events").status == 200
    with psycopg.connect(root_url(settings, "subscriptions")) as connection:
        query = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
        row = connection.execute(query).fetchone()
        assert row is not None
        return int(row[0])


def connections(settings: Settings) -> int:
    """How many connections of the process are in a transaction now."""
    with psycopg.connect(root_url(settings, "subscriptions")) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        ).fetchone()
        assert row is not None
        return int(row[0])


def test_two_hundred_wait_and_nobody_notices(few: Settings, database: Database, tmp_path: Path) -> None:
    journal(database, received("network"))
    with ExitStack() as stack:
        feed = begin(few, tmp_path)
        stack.callback(feed.end)
        clients = waiting(stack, feed, MOST_WAITING, stream="network", orgs=MOST_WAITING // MOST_WAITING_EACH)
        assert feed.get("/events?stream=network").json["next"] == 1
        for org, code in ((ORG, "waiting.own_full"), (OTHER, "waiting.full")):
            feed.org = org
            for path in ("/events/stream?after=1", "/events?after=1&wait=30"):
                late = feed.get(path)
                assert (late.status, late.json["code"], late.headers["retry-after"]) == (503, code, "5")
        until(lambda: connections(few) == 0)
        before = transactions(feed, few)
        journal(database, received("network"))
        all_get(clients, 2)
        assert transactions(feed, few) - before < MOST_WAITING / 4  # one question for all, some looks, and this test
        polls, streams = clients[1::2], clients[::2]
        assert all(each.got.endswith(b'],"next":2}') for each in polls)
        journal(database, *(received("network") for _ in range(3)))
        all_get(streams, 5)
        assert all(each.ids == [2, 3, 4, 5] for each in streams)


def test_one_organisation_cannot_take_all_places(few: Settings, database: Database, tmp_path: Path) -> None:
    journal(database, received(MINE))
    with ExitStack() as stack:
        feed = begin(few, tmp_path, "most_waiting=8", "most_waiting_each=5")
        stack.callback(feed.end)
        clients = waiting(stack, feed, 5)
        refused = feed.get("/events?wait=30&after=1")
        assert (refused.status, refused.json["code"]) == (503, "waiting.own_full")
        assert int(refused.headers["retry-after"]) > 0
        feed.org = OTHER
        assert feed.get("/events?wait=1").json == {"events": [], "next": 0}
        for each in clients[:2]:
            each.sock.close()
        until(lambda: b"http_requests_waiting 3.0" in feed.get("/metrics").body)
        feed.org = ORG
        assert feed.get("/events?wait=1&after=1").json == {"events": [], "next": 1}


def test_waiting_takes_no_place_of_others_in_the_gateway(few: Settings, database: Database, tmp_path: Path) -> None:
    journal(database, received(MINE))
    with ExitStack() as stack:
        feed, gateway = begin(few, tmp_path), begin(few, tmp_path, "most_waiting=20", name="gateway")
        stack.callback(feed.end)
        stack.callback(gateway.end)
        clients = waiting(stack, gateway, 20)
        late = gateway.get("/events?wait=30&after=1")
        assert (late.status, late.json["code"]) == (503, "waiting.full")
        assert gateway.get("/events").json["next"] == 1
        journal(database, received(MINE))
        all_get(clients, 2)
        assert gateway.get("/events?wait=1&after=2").json == {"events": [], "next": 2}
        started = time.monotonic()
        assert gateway.get("/events?wait=7&after=2").json == {"events": [], "next": 2}  # longer than a normal deadline
        assert time.monotonic() - started > 6.5
        last = open_client(gateway, "/events?after=2&wait=30")
        stack.callback(last.sock.close)
        until(lambda: b"http_requests_waiting 11.0" in gateway.get("/metrics").body)
        assert gateway.end() < 5
        assert b"process.stopping" in last.until_closed()
        assert clients[0].until_closed().endswith(b"0\r\n\r\n")


def test_the_commit_itself_wakes_who_waits(
    vhost: Settings, service_database: Callable[..., Settings], tmp_path: Path
) -> None:
    """From publisher to client with nobody looking: the bell rings where the journal is written."""
    both = placed(service_database("referrals", into=service_database("subscriptions", into=vhost)))
    with ExitStack() as stack:
        publisher = Database(both, "referrals")
        stack.callback(publisher.close)
        feed = begin(both, tmp_path, "look_seconds=250")
        stack.callback(feed.end)
        clients = [open_client(feed, path) for path in ("/events?wait=30", "/events/stream")]
        for each in clients:
            stack.callback(each.sock.close)
        until(lambda: b"http_requests_waiting 2.0" in feed.get("/metrics").body)
        stack.enter_context(relaying(both, "referrals"))
        tell(publisher, MINE)
        all_get(clients, 1)
