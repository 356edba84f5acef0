"""The feed of the real process: long poll and stream, their beginnings and ends, and what they say of the journal."""

from __future__ import annotations

import re
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from chassis.db import Database
from chassis.settings import Settings
from deploy.local import broker
from services.groups.events import GROUP
from tests.integration.bus_rig import until
from tests.integration.feed_rig import OTHER, Client, Running, bearer, begin, open_client, placed
from tests.integration.subscriptions_rig import MOVED, journal, received
from tests.support.databases import Databases, root_url

QUICK = ("beat_seconds=0.4", "most_waiting=3", "read_seconds=0.8")


@pytest.fixture(scope="module")
def settings_here(settings: Settings, worker: str) -> Iterator[Settings]:
    """A database and a virtual host for the tests of this file."""
    databases = Databases(settings, worker)
    made = placed(replace(databases.fresh("subscriptions"), vhost=f"test-{uuid.uuid4().hex[:12]}"))
    broker.make_vhost(made, with_users=False)
    yield made
    broker.drop_vhost(made)
    databases.drop()


@pytest.fixture(scope="module")
def database(settings_here: Settings) -> Iterator[Database]:
    made = Database(settings_here, "subscriptions")
    yield made
    made.close()


@pytest.fixture(scope="module")
def process(settings_here: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = begin(settings_here, tmp_path_factory.mktemp("feed"), *QUICK)
    yield running
    running.end()


@pytest.fixture
def feed(process: Running) -> Running:
    """The process, asked by an organisation that has no events yet."""
    process.org = uuid.uuid4()
    return process


@pytest.fixture
def mine(feed: Running) -> str:
    """The stream of that organisation."""
    return f"org:{feed.org}"


@pytest.fixture
def clients() -> Iterator[list[Client]]:
    made: list[Client] = []
    yield made
    for each in made:
        each.sock.close()


@pytest.fixture
def opened(feed: Running, clients: list[Client]) -> Iterator[Callable[..., Client]]:
    def make(path: str, **more: Any) -> Client:
        clients.append(open_client(feed, path, **more))
        return clients[-1]

    yield make
    for each in clients:
        each.sock.close()
    until(lambda: feed.process.poll() is not None or b"http_requests_waiting 0.0" in feed.get("/metrics").body)


def stored(settings: Settings, stream: str) -> list[bytes]:
    """The bodies of a stream in order, as they lie in the table."""
    with psycopg.connect(root_url(settings, "subscriptions")) as connection:
        rows = connection.execute("SELECT body FROM journal WHERE stream = %s ORDER BY position", (stream,)).fetchall()
    return [bytes(row[0]) for row in rows]


def answered(feed: Running) -> Counter[str]:
    """How many requests of the feed the log tells of, by route."""
    return Counter(re.findall(r'"route":"(GET /events[^"]*)"', feed.log.read_text()))


def cut(settings: Settings, stream: str, up_to: int) -> None:
    """Take the first events away."""
    with psycopg.connect(root_url(settings, "subscriptions")) as connection:
        connection.execute("DELETE FROM journal WHERE stream = %s AND position <= %s", (stream, up_to))


def test_without_a_stream_it_is_the_callers_own(feed: Running, mine: str, database: Database) -> None:
    journal(database, received(mine), received(f"org:{OTHER}"), received("network", kind=GROUP["opened"]))
    assert feed.get("/events").body == feed.get("/events?stream=org").body
    assert [event["stream"] for event in feed.get("/events").json["events"]] == [mine]
    for wrong in ("31", "-1", "+10", "%2B10", "00010", "1_0", "10%20"):
        assert feed.get(f"/events?after=1&wait={wrong}").status == 400, wrong


def test_a_long_poll_answers_at_once_when_there_is_something(feed: Running, mine: str, database: Database) -> None:
    journal(database, received(mine), received(mine))
    answer = feed.get("/events?after=1&wait=30")
    assert [event["position"] for event in answer.json["events"]] == [2]


def test_a_long_poll_answers_when_something_comes(
    feed: Running, mine: str, database: Database, opened: Callable[..., Client], settings_here: Settings
) -> None:
    journal(database, received(mine))
    waiting = opened("/events?after=1&wait=30")
    time.sleep(0.7)
    waiting.pump()
    assert not waiting.got
    journal(database, received(f"org:{OTHER}"), received("network"))
    time.sleep(0.7)
    waiting.pump()
    assert not waiting.got
    journal(database, received(mine))
    assert waiting.until(b"]").endswith(b'{"events":[%b],"next":2}' % stored(settings_here, mine)[1])


def test_a_long_poll_ends_empty_where_it_stood(feed: Running, mine: str, database: Database) -> None:
    journal(database, received(mine))
    started = time.monotonic()
    assert feed.get("/events?after=1&wait=1").json == {"events": [], "next": 1}
    assert time.monotonic() - started >= 0.9
    assert feed.get("/events?after=7&wait=1").json == {"events": [], "next": 7}


def test_a_long_poll_waits_no_longer_than_the_client(
    feed: Running, mine: str, database: Database, opened: Callable[..., Client]
) -> None:
    journal(database, received(mine))
    waiting = opened("/events?after=1&wait=30", headers="X-Deadline-Ms: 1500\r\n")
    assert waiting.until(b'"next":1}', seconds=5).startswith(b"HTTP/1.1 200 ")


def test_a_long_poll_waits_for_the_types_it_names(
    feed: Running, mine: str, database: Database, opened: Callable[..., Client]
) -> None:
    journal(database, received(mine))
    waiting = opened("/events?wait=30&types=group.opened")
    journal(database, received(mine), received(mine, kind=GROUP["opened"]), received(mine))
    assert b'"position":3' in waiting.until(b'"next":3}')


def test_the_stream_gives_what_is_there_and_what_comes(
    feed: Running, mine: str, database: Database, opened: Callable[..., Client], settings_here: Settings
) -> None:
    journal(database, received(mine), received(f"org:{OTHER}"), received(mine))
    stream = opened("/events/stream")
    stream.until(b"id: 2\n", b"\n\n")
    journal(database, received(mine, kind=GROUP["opened"]))
    stream.until(b"id: 3\n", b"group.opened")
    stream.pump()
    assert b"Content-Type: text/event-stream\r\n" in stream.got
    assert stream.body.startswith(b"retry: 2000\n\n")
    kinds = [MOVED.name, MOVED.name, GROUP["opened"].name]
    assert stream.messages == [
        (number, kind, body) for number, kind, body in zip((1, 2, 3), kinds, stored(settings_here, mine), strict=True)
    ]


def test_the_stream_of_the_network_is_the_same_for_all(
    feed: Running, database: Database, opened: Callable[..., Client], settings_here: Settings
) -> None:
    journal(database, received("network"), received("network"))
    told = stored(settings_here, "network")
    both = [opened("/events/stream?stream=network", org=org) for org in (feed.org, OTHER)]
    for each in both:
        each.until(b"id: %d\n" % len(told), b'"position":%d' % len(told))
        assert [data for _, _, data in each.messages] == told


def test_last_event_id_wins_over_after(
    feed: Running, mine: str, database: Database, opened: Callable[..., Client]
) -> None:
    journal(database, *(received(mine) for _ in range(4)))
    plain, seen = opened("/events/stream?after=1"), opened("/events/stream?after=1", headers="Last-Event-ID: 3\r\n")
    plain.until(b"id: 4\n")
    seen.until(b"id: 4\n")
    assert (plain.ids, seen.ids) == ([2, 3, 4], [4])
    for wrong in ("x", "-1", "1, 2", "9" * 19):
        refused = opened("/events/stream", headers=f"Last-Event-ID: {wrong}\r\n")
        assert b"last_event_id.malformed" in refused.until(b"}")


def test_the_stream_shows_that_it_lives(feed: Running, opened: Callable[..., Client]) -> None:
    stream = opened("/events/stream")
    deadline = time.monotonic() + 5
    while stream.body.count(b":\n\n") < 4:
        assert time.monotonic() < deadline
        stream.pump()
    assert stream.ids == []


def test_types_that_are_not_wanted_are_passed_over_and_not_read_again(
    feed: Running, mine: str, database: Database, opened: Callable[..., Client]
) -> None:
    journal(database, received(mine, kind=GROUP["opened"]), *(received(mine) for _ in range(250)))
    stream = opened("/events/stream?types=group.opened")
    stream.until(b"id: 251\n")
    assert stream.ids == [1]
    journal(database, received(mine))
    stream.until(b"id: 252\n")
    journal(database, received(mine), received(mine, kind=GROUP["opened"]))
    stream.until(b"id: 254\n")
    assert [number for number, _, data in stream.messages if data] == [1, 254]


def test_where_the_journal_was_cut_both_say_so(
    feed: Running, mine: str, database: Database, opened: Callable[..., Client], settings_here: Settings
) -> None:
    journal(database, *(received(mine) for _ in range(6)))
    cut(settings_here, mine, 4)
    for path in ("/events?after=2&wait=20", "/events/stream?after=2"):
        answer = feed.get(path)
        assert (answer.status, answer.json["code"], answer.json["oldest"]) == (410, "journal.cut", 5)
        assert answer.headers["content-type"] == "application/problem+json"
    stream = opened("/events/stream")
    stream.until(b"id: 6\n")
    assert stream.ids == [5, 6]
    cut(settings_here, mine, 6)
    behind = opened("/events/stream")
    journal(database, received(mine))
    behind.until(b"id: 7\n", b"data")
    assert behind.ids == [7]


def test_the_stream_ends_with_its_token(
    feed: Running, mine: str, database: Database, opened: Callable[..., Client], settings_here: Settings
) -> None:
    stream = opened("/events/stream", token=bearer(settings_here, feed.org, seconds=2))
    journal(database, received(mine))
    stream.until(b"id: 1\n")
    assert stream.until(b"\r\n0\r\n\r\n").endswith(b"0\r\n\r\n")


def test_who_waits_too_much_is_sent_away_and_places_come_back(
    feed: Running, mine: str, database: Database, opened: Callable[..., Client]
) -> None:
    waiting = [opened("/events/stream"), opened("/events/stream?stream=network"), opened("/events?wait=30")]
    for each in waiting[:2]:
        each.until(b"retry")
    time.sleep(0.2)
    for path in ("/events?wait=30", "/events/stream"):
        refused = feed.get(path)
        assert (refused.status, refused.json["code"]) == (503, "waiting.full")
        assert int(refused.headers["retry-after"]) > 0
    assert feed.get("/events").status == 200
    assert b"http_requests_waiting 3.0" in feed.get("/metrics").body
    journal(database, received(mine))
    waiting[2].until(b'"next":1}')
    waiting[0].sock.close()
    deadline = time.monotonic() + 10
    while (last := feed.get("/events?after=1&wait=1")).status != 200:
        assert time.monotonic() < deadline
    assert last.json["next"] == 1


def test_a_client_that_leaves_frees_its_place_at_once(
    feed: Running, mine: str, database: Database, opened: Callable[..., Client]
) -> None:
    journal(database, received(mine))
    waiting = [opened("/events?after=1&wait=30"), opened("/events/stream"), opened("/events?after=1&wait=30")]
    until(lambda: b"http_requests_waiting 3.0" in feed.get("/metrics").body)
    before = answered(feed)
    for each in waiting[:2]:
        each.sock.close()
    until(lambda: b"http_requests_waiting 1.0" in feed.get("/metrics").body, 3)
    until(lambda: answered(feed) - before == {"GET /events": 1, "GET /events/stream": 1})
    journal(database, received(mine))
    waiting[2].until(b'"next":2}')
    assert '"level":"error"' not in feed.log.read_text()


def test_everything_that_waits_ends_well_when_the_process_stops(
    settings_here: Settings, database: Database, clients: list[Client], tmp_path: Path
) -> None:
    feed = begin(placed(settings_here), tmp_path, *QUICK)
    feed.org = uuid.uuid4()
    journal(database, received(f"org:{feed.org}"))
    clients += [open_client(feed, path) for path in ("/events/stream", "/events?after=1&wait=30")]
    stream, poll = clients
    stream.until(b"id: 1\n")
    until(lambda: b"http_requests_waiting 2.0" in feed.get("/metrics").body)
    assert feed.end() < 5
    assert feed.process.returncode == 0
    assert stream.until_closed().endswith(b"0\r\n\r\n")
    poll.until_closed()
    assert poll.status == 503
    assert b"process.stopping" in poll.got
    assert b"Retry-After: 1\r\n" in poll.got
    assert '"level":"error"' not in feed.log.read_text()
