"""The partners' samples against real processes: through a broker's restart, after a cut queue, and over HTTP alone."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from chassis.db import Database
from chassis.management import Management
from chassis.settings import Settings
from services.subscriptions.usecases import Grant, create_grant
from tests.integration.bus_rig import consuming, depth, relaying, until
from tests.integration.feed_rig import ORG, bearer, begin, placed
from tests.integration.subscriptions_rig import SAMPLE, Sample, handle, journal, know, received, tell
from tests.support.databases import root_url
from tests.support.own_broker import OwnBroker

READER = SAMPLE.with_name("reader.py")
MINE = f"org:{ORG}"


@pytest.fixture
def both(vhost: Settings, service_database: Callable[..., Settings]) -> Settings:
    return placed(service_database("referrals", into=service_database("subscriptions", into=vhost)))


@pytest.fixture
def subscriptions(both: Settings) -> Iterator[Database]:
    made = Database(both, "subscriptions")
    yield made
    made.close()


def granted(stack: ExitStack, settings: Settings, database: Database) -> Grant:
    """A grant of an organisation that nobody else has."""
    key = f"lt-{uuid.uuid4().hex[:8]}"
    know(database, key)
    made = create_grant(database, settings, org_key=key, name="main")
    stack.callback(Management(settings).delete, "users", made.user)
    return made


def places(sample: Sample, stream: str) -> list[int]:
    """The positions of a stream in the order in which the sample worked on them."""
    marks = [line.split()[3] for line in sample.events()]
    return [int(mark.partition("#")[2]) for mark in marks if mark.startswith(f"{stream}#")]


@pytest.mark.slow
def test_the_subscriber_sees_each_event_once_through_a_restart_of_the_broker(
    service_database: Callable[..., Settings], tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    home = tmp_path_factory.mktemp("own")
    own = OwnBroker(service_database("referrals", into=service_database("subscriptions")), home)
    publisher, subscriptions = Database(own.settings, "referrals"), Database(own.settings, "subscriptions")
    with ExitStack() as stack:
        stack.callback(publisher.close)
        stack.callback(subscriptions.close)
        own.start(stack)
        key = f"lt-{uuid.uuid4().hex[:8]}"
        know(subscriptions, key)
        grant = create_grant(subscriptions, own.settings, org_key=key, name="main")
        mine = f"org:{grant.org_id}"
        stack.enter_context(relaying(own.settings, "referrals", "subscriptions"))
        stack.enter_context(consuming(own.settings, subscriptions, handle, nouns=["#"]))
        sample = Sample(grant.amqp_url, grant.queue, tmp_path / "state.json")
        stack.callback(sample.stop)
        tell(publisher, mine, count=5)
        until(lambda: places(sample, mine) == [1, 2, 3, 4, 5])
        for number, end in enumerate((own.stop, own.kill), 1):
            end()
            tell(publisher, mine, count=5)
            until(lambda: len([line for line in sample.lines if "connection lost" in line]) >= number)  # noqa: B023
            own.up()
            tell(publisher, mine, count=5)
            until(lambda: len(sample.events()) >= 5 + 10 * number, 90)  # noqa: B023
        assert places(sample, mine) == list(range(1, 26))
        assert not [line for line in sample.lines if line.startswith("GAP")]


def test_a_partner_that_never_reads_loses_its_oldest_and_gets_them_back(
    both: Settings, subscriptions: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        with monkeypatch.context() as short:
            short.setenv("TUKIVERKKO_PARTNER_QUEUE_LENGTH", "5")
            idle = granted(stack, both, subscriptions)
        busy = granted(stack, both, subscriptions)
        figures = stack.enter_context(relaying(both, "subscriptions"))
        journal(subscriptions, received("network"), received(f"org:{idle.org_id}"))
        state = tmp_path / "state.json"
        sample = Sample(idle.amqp_url, idle.queue, state)
        until(lambda: len(sample.events()) == 2)
        until(lambda: depth(both, idle.queue) == 0)
        sample.stop()
        told = [received("network" if number % 3 else f"org:{idle.org_id}") for number in range(30)]
        journal(subscriptions, *told)
        until(lambda: figures.snapshot()["subscriptions"]["published"] == 32)
        until(lambda: depth(both, busy.queue) == 21)  # the network's 1 + 20; nobody is held up
        until(lambda: depth(both, idle.queue) == 5)
        feed = begin(both, tmp_path)
        stack.callback(feed.end)
        monkeypatch.setenv("PARTNER_FEED_URL", f"http://127.0.0.1:{feed.port}/events")
        monkeypatch.setenv("PARTNER_TOKEN", bearer(both, idle.org_id).split()[2])
        again = Sample(idle.amqp_url, idle.queue, state)
        stack.callback(again.stop)
        until(lambda: len(again.events()) == 30)
        assert places(again, "network") == list(range(2, 22))
        assert places(again, f"org:{idle.org_id}") == list(range(2, 12))
        assert len([line for line in again.lines if line.startswith("GAP")]) == 2
        until(lambda: depth(both, idle.queue) == 0)


def test_while_the_feed_is_away_the_subscriber_does_not_go_on(
    both: Settings, subscriptions: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        grant = granted(stack, both, subscriptions)
        mine = f"org:{grant.org_id}"
        journal(subscriptions, *(received(mine) for _ in range(4)))
        state = tmp_path / "state.json"
        state.write_text(json.dumps({"positions": {mine: 1}}))  # what a reader over HTTP leaves
        with psycopg.connect(root_url(both, "subscriptions")) as connection:
            connection.execute("DELETE FROM outbox WHERE sequence IN (1, 2, 3)")
            connection.execute("DELETE FROM journal WHERE position < 3")
        stack.enter_context(relaying(both, "subscriptions"))
        monkeypatch.setenv("PARTNER_FEED_URL", f"http://127.0.0.1:{both.port_of('subscriptions')}/events")
        monkeypatch.setenv("PARTNER_TOKEN", bearer(both, grant.org_id).split()[2])
        sample = Sample(grant.amqp_url, grant.queue, state)
        stack.callback(sample.stop)
        until(lambda: len([line for line in sample.lines if "no answer from the feed (URLError)" in line]) == 2)
        assert sample.events() == []
        feed = begin(both, tmp_path)
        stack.callback(feed.end)
        until(lambda: places(sample, mine) == [3, 4])
        assert [line for line in sample.lines if line.startswith("LOST")] == [
            f"LOST {mine}: what came before position 3 is no longer kept"
        ]


def test_an_old_token_costs_the_subscriber_no_delivery_and_anothers_ends_it(
    both: Settings, subscriptions: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        feed = begin(both, tmp_path)
        stack.callback(feed.end)
        grant = granted(stack, both, subscriptions)
        mine = f"org:{grant.org_id}"
        journal(subscriptions, *(received(mine) for _ in range(4)))
        with psycopg.connect(root_url(both, "subscriptions")) as connection:
            connection.execute("DELETE FROM outbox WHERE sequence IN (2, 3)")
        stack.enter_context(relaying(both, "subscriptions"))
        token = tmp_path / "token"
        token.write_text(bearer(both, grant.org_id, seconds=-300).split()[2])
        monkeypatch.setenv("PARTNER_FEED_URL", f"http://127.0.0.1:{feed.port}/events")
        monkeypatch.setenv("PARTNER_TOKEN_FILE", str(token))
        sample = Sample(grant.amqp_url, grant.queue, tmp_path / "state.json")
        stack.callback(sample.stop)
        until(lambda: len([line for line in sample.lines if "no answer from the feed (401)" in line]) == 3)
        assert places(sample, mine) == [1]
        assert not any("connection lost" in line for line in sample.lines)
        token.write_text(bearer(both, ORG).split()[2])
        assert sample.process.wait(20) == 1  # nothing of this stream comes with it: asking again would not help
        assert places(sample, mine) == [1]
        token.write_text(bearer(both, grant.org_id).split()[2])
        again = Sample(grant.amqp_url, grant.queue, tmp_path / "state.json")
        stack.callback(again.stop)
        until(lambda: places(again, mine) == [2, 3, 4])


def failing(sample: Path, folder: Path) -> Path:
    """A copy of a sample whose own work fails as a network would."""
    text = sample.read_text(encoding="utf-8")
    broken = re.sub(r'(def work\(.*?\n {4}"{3}.*?"{3}\n)', r"\1    raise ConnectionResetError('of my own')\n", text)
    assert broken != text
    copy = folder / sample.name
    copy.write_text(broken, encoding="utf-8")
    shutil.copy(sample.with_name("feed.py"), folder)
    return copy


def ended(copy: Path, **environment: str) -> tuple[int, str]:
    """Status and words of a program that ends by itself."""
    done = subprocess.run(
        [sys.executable, str(copy)], env={**os.environ, **environment}, capture_output=True, text=True, timeout=20,
        check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_an_error_of_the_partners_own_work_ends_the_subscriber_loudly(
    both: Settings, subscriptions: Database, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        grant = granted(stack, both, subscriptions)
        journal(subscriptions, received(f"org:{grant.org_id}"))
        stack.enter_context(relaying(both, "subscriptions"))
        told = {"PARTNER_AMQP_URL": grant.amqp_url, "PARTNER_QUEUE": grant.queue}
        status, words = ended(failing(SAMPLE, tmp_path), PARTNER_STATE=str(tmp_path / "state.json"), **told)
        assert status == 1
        assert "ConnectionResetError: of my own" in words
        assert "connection lost" not in words
        until(lambda: depth(both, grant.queue) == 1)  # it comes again


class Reader(Sample):
    """The reader over HTTP as a process of its own."""

    def __init__(self, feed_url: str, token: Path, state: Path) -> None:
        told = {"PARTNER_FEED_URL": feed_url, "PARTNER_TOKEN_FILE": str(token), "PARTNER_STATE": str(state)}
        command = [sys.executable, str(READER)]
        self.process = subprocess.Popen(command, env={**os.environ, **told}, stdout=subprocess.PIPE, text=True)
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def events(self) -> list[str]:
        return [line for line in self.lines if "#" in line]


@pytest.fixture
def reading(tmp_path: Path) -> Iterator[Callable[..., Reader]]:
    with contextlib.ExitStack() as stack:

        def start(port: int, token: Path) -> Reader:
            made = Reader(f"http://127.0.0.1:{port}/events", token, tmp_path / "state.json")
            stack.callback(made.stop)
            return made

        yield start


def test_the_reader_follows_both_streams_through_restarts_and_an_old_token(
    both: Settings, subscriptions: Database, tmp_path: Path, reading: Callable[..., Reader]
) -> None:
    token = tmp_path / "token"
    token.write_text("old")
    journal(subscriptions, received(MINE), received("network"), received(f"org:{uuid.uuid4()}"))
    with ExitStack() as stack:
        feed = begin(both, tmp_path)
        stack.callback(feed.end)
        reader = reading(feed.port, token)
        until(lambda: any("the token is not valid" in line for line in reader.lines))
        token.write_text(bearer(both).split()[2])
        until(lambda: (places(reader, MINE), places(reader, "network")) == ([1], [1]))
        journal(subscriptions, received(MINE), received("network"))
        until(lambda: (places(reader, MINE), places(reader, "network")) == ([1, 2], [1, 2]))
        feed.end()
        journal(subscriptions, received(MINE))
        until(lambda: any("URLError" in line or "RemoteDisconnected" in line for line in reader.lines))
        stack.callback(begin(both, tmp_path).end)
        until(lambda: places(reader, MINE) == [1, 2, 3])
        reader.stop()
        with psycopg.connect(root_url(both, "subscriptions")) as connection:
            journal(subscriptions, received(MINE), received(MINE), received("network"))
            connection.execute("DELETE FROM journal WHERE position <= 4 AND stream <> 'network'")
        again = reading(both.port_of("subscriptions"), token)
        until(lambda: (places(again, MINE), places(again, "network")) == ([5], [3]))
        assert any(line == "LOST org: what came before position 5 is no longer kept" for line in again.lines)
        assert again.process.poll() is None
