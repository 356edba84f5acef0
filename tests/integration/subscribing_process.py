"""A real nameko process with one subscription, for test_subscribe: prints each event it gets, with its age."""

from __future__ import annotations

import os

os.environ["PSYCOPG_WAIT_FUNC"] = "wait_selector"

import eventlet

eventlet.monkey_patch()

import logging
import resource
import signal
import sys
import time
from functools import partial
from types import SimpleNamespace
from typing import Any

from nameko.containers import ServiceContainer

from chassis import clock, health, pulse
from chassis.db import Database, Work
from chassis.envelope import Received
from chassis.providers import DatabaseProvider
from chassis.settings import Settings
from chassis.subscribe import subscribe

FAILS_AT, HANGS_AT = 3, 51
HANG_SECONDS = 4.0


def say(*words: object) -> None:
    """One line to the test."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def show(*names: str) -> None:
    """What a probe of this process sees, several times."""
    pages, anybody = health.pages(lambda: True), SimpleNamespace()
    while True:
        ready: Any = pages["/health/ready"].answer(anybody, {}).body
        metrics: Any = pages["/metrics"].answer(anybody, {}).body
        lines = dict(line.split() for line in metrics.decode().splitlines() if line.startswith(names))
        say("SEEN", ready.decode(), *(lines[name] for name in names))
        time.sleep(0.2)


class GroupsService:
    """Follows organisations."""

    name = "groups"
    db: Database = DatabaseProvider()
    failed = False

    @subscribe("organisation.changed")
    def keep(self, work: Work, event: Received) -> None:
        """Say what came; the third one fails once."""
        assert self.db is not None
        if event.sequence == FAILS_AT and not GroupsService.failed:
            GroupsService.failed = True
            message = "Jonas must not be told"
            raise RuntimeError(message)
        if event.sequence == HANGS_AT:
            pulse.STILL_SECONDS = 1.0
            eventlet.spawn(show, "event_consumer_idle_seconds", "event_consumer_connected")
            time.sleep(HANG_SECONDS)
        row = work.one("SELECT clock_timestamp() AS at")
        assert row is not None
        age = clock.now() - event.time
        # After the commit: one that failed beside others has their work undone as well, and they come again
        work.after(partial(say, "EVENT", event.subject, event.sequence, round(age.total_seconds() * 1000, 2)))

    @subscribe("organisation.closed")
    def never(self, work: Work, event: Received) -> None:  # noqa: ARG002 -- the signature of a handler
        """Not sent by this test."""
        raise AssertionError


def main() -> None:
    """Run until SIGTERM."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    container = ServiceContainer(GroupsService, {"settings": Settings.load()})
    signal.signal(signal.SIGTERM, lambda *_: eventlet.spawn(container.stop))
    started = time.monotonic()
    container.start()
    say("READY", round(time.monotonic() - started, 2))
    container.wait()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    say("STOPPED", round((usage.ru_utime + usage.ru_stime) * 1000))


main()
