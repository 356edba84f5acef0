"""The sender as it runs: messages leave by themselves, and a mail server that says nothing holds up no end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.error import URLError

import orjson
import pytest

from chassis.db import Database
from chassis.messages import process
from chassis.messages.figures import Figures
from chassis.settings import Settings
from services.referrals import usecases
from tests.integration.bus_rig import until
from tests.integration.messages_rig import INTAKE, Rig
from tests.support.mail import mailing, post_office, silent_server
from tests.support.ports import free_base
from tests.support.referrals import CENTRE, POLICE, new, seed
from tests.support.rows import rows

ROOT = Path(__file__).parent.parent.parent
START = "import sys; from chassis.messages import process; sys.exit(process.main())"
NEW = "SELECT state, attempts FROM message WHERE kind = 'organisation.new'"


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("referrals")


@contextlib.contextmanager
def sending(settings: Settings) -> Iterator[Figures]:
    stop, figures = threading.Event(), Figures(("referrals",))
    thread = threading.Thread(
        target=process.run,
        args=(settings, stop),
        kwargs={"figures": figures, "health_port": 0, "services": ("referrals",)},
    )
    thread.start()
    try:
        yield figures
    finally:
        stop.set()
        thread.join(20)


def metric(figures: Figures, name: str) -> float:
    (line,) = [each for each in figures.metrics().splitlines() if each.startswith(f"tukiverkko_messages_{name}{{")]
    return float(line.rpartition(" ")[2])


def test_messages_leave_by_themselves_and_their_figures_are_told(at: Settings) -> None:
    with closing(Database(at, "referrals")) as db, post_office() as post:
        seed(db)
        settings = mailing(at, f"smtp://127.0.0.1:{post.port}")
        Rig(db, settings, post).hears(CENTRE, INTAKE)
        with sending(settings) as figures:
            usecases.create(db, new(POLICE))
            until(lambda: len(post.taken) == 1)
            until(lambda: metric(figures, "mails_total") == 1)
            assert figures.snapshot()["referrals"]["degraded"] is False
            post.recipient = ["550 nobody"]
            usecases.create(db, new(POLICE))
            until(lambda: metric(figures, "dead") == 1)
            assert (metric(figures, "sending"), metric(figures, "carrier"), metric(figures, "queued")) == (1, 1, 0)
            assert figures.snapshot()["referrals"]["degraded"] is True


def test_two_senders_send_each_message_once(at: Settings) -> None:
    with closing(Database(at, "referrals")) as db, post_office() as post:
        seed(db)
        settings = mailing(at, f"smtp://127.0.0.1:{post.port}")
        rig = Rig(db, settings, post)
        rig.hears(CENTRE, INTAKE)
        with sending(settings), sending(settings):
            for _ in range(5):
                sent = len(post.taken)
                usecases.create(db, new(POLICE))
                until(lambda sent=sent: len(post.taken) > sent)  # type: ignore[misc]
            until(lambda: {state for state, _ in rows(at, "referrals", NEW)} == {"sent"})
        assert len({mail["Message-ID"] for _, mail in post.taken}) == len(post.taken) == 5
        assert [attempts for _, attempts in rows(at, "referrals", NEW)] == [1] * 5


def test_a_process_at_a_silent_server_tells_so_and_ends_in_time(at: Settings) -> None:
    with closing(Database(at, "referrals")) as db, post_office() as post, silent_server() as silent:
        seed(db)
        Rig(db, mailing(at, f"smtp://127.0.0.1:{post.port}"), post).hears(CENTRE, INTAKE)
        usecases.create(db, new(POLICE))
        settings = mailing(at, f"smtp://127.0.0.1:{silent}")
        port = free_base()
        environment = {
            **os.environ,
            **(settings.environment or {}),
            "TUKIVERKKO_HOME": str(settings.home),
            "TUKIVERKKO_PORT": str(port),
            "TUKIVERKKO_POSTGRES_PORT": str(settings.postgres_port),
            "PYTHONPATH": str(ROOT),
        }
        running = subprocess.Popen([sys.executable, "-c", START], env=environment, stdout=subprocess.PIPE)

        def page(path: str) -> bytes:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port + 21}{path}", timeout=3) as answer:
                    return bytes(answer.read())
            except URLError:
                return b""

        try:
            until(lambda: b'tukiverkko_messages_queued{service="referrals"} 1.0' in page("/metrics"), 20)
            assert orjson.loads(page("/health/live")) == {"status": "live"}
            assert orjson.loads(page("/health/ready"))["status"] == "ready"
            time.sleep(1)  # it stands at the silent server now
            assert rows(at, "referrals", NEW) == [("queued", 0)]
        finally:
            running.send_signal(signal.SIGTERM)
            started = time.monotonic()
            told = running.communicate(timeout=20)[0]
        assert running.returncode == 0
        assert time.monotonic() - started < 6
        assert INTAKE.partition("@")[0].encode() not in told
