"""How a consumer waits: for a database that is gone, for a broker that takes no copy, and no longer than it may."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from chassis.errors import Unavailable
from chassis.link import LinkLost
from chassis.pulse import Pulse

log = logging.getLogger(__name__)

LONGEST_PAUSE = 15.0
BUSY, BUSY_TRIES = "database.busy", 4

Result = TypeVar("Result")


class Stopping(Exception):
    """The process is asked to stop while an event waits for something; it is given back."""


class Patience:
    """The waiting of one consumer; its pulse tells from outside whether it still goes round."""

    def __init__(self, service: str, stopping: threading.Event) -> None:
        self._service = service
        self._stopping = stopping
        self.counts: Counter[str] = Counter()
        self.pulse = Pulse()

    def for_database(self, step: Callable[[], Result]) -> Result:
        """Do a step, waiting while the database is gone; where it is busy every time, that is the event's own doing."""
        pause, busy = 0.1, 0
        while True:
            try:
                return step()
            except Unavailable as error:
                self.pulse.beat()  # it waits for the database, which is told elsewhere; it has not stopped
                self.counts["outage"] += 1
                busy += error.code == BUSY
                if busy >= BUSY_TRIES:
                    raise
                self.sleep(pause)
                pause = min(LONGEST_PAUSE / 3, pause * 2)

    def for_broker(self, send: Callable[[], str]) -> str:
        """Send a copy on, waiting while the broker takes none: to let go of the event would not make it better.

        The pulse stays still meanwhile: whoever waits here for long has to be seen.
        """
        pause = 0.1
        while True:
            try:
                return send()
            except LinkLost as error:
                log.warning("copy waits", extra={"target": self._service, "reason": error.reason})
                self.sleep(pause)
                pause = min(LONGEST_PAUSE / 3, pause * 2)

    def sleep(self, seconds: float) -> None:
        """Raises Stopping instead of waiting to the end."""
        if self._stopping.wait(seconds):
            raise Stopping
