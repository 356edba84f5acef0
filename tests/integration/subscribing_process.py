"""A real nameko process with one subscription, for test_subscribe: prints each event it gets, with its age."""

from __future__ import annotations

import os

os.environ["PSYCOPG_WAIT_FUNC"] = "wait_selector"

import eventlet

eventlet.monkey_patch()

import logging  # noqa: E402
import resource  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402

from nameko.containers import ServiceContainer  # noqa: E402

from chassis import clock  # noqa: E402
from chassis.db import Database, Work  # noqa: E402
from chassis.envelope import Received  # noqa: E402
from chassis.providers import DatabaseProvider  # noqa: E402
from chassis.settings import Settings  # noqa: E402
from chassis.subscribe import subscribe  # noqa: E402

FAILS_AT = 3


def say(*words: object) -> None:
    """One line to the test."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


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
        row = work.one("SELECT clock_timestamp() AS at")
        assert row is not None
        age = clock.now() - event.time
        say("EVENT", event.subject, event.sequence, round(age.total_seconds() * 1000, 2))

    @subscribe("organisation.closed")
    def never(self, work: Work, event: Received) -> None:  # noqa: ARG002
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
