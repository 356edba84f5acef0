"""What else the relay process does at each database, besides carrying events: one plain thread for each chore.

None of them needs the broker, and none ends the process: a database that is gone is tried again with growing pauses.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from chassis import blind_index, chain, sweeping
from chassis.relay import store
from chassis.relay.figures import Figures
from chassis.settings import Settings

log = logging.getLogger(__name__)

LONGEST_PAUSE = 15.0


@dataclass(frozen=True, slots=True)
class Chore:
    """A chore at one service's database: `act` returns when `stop` is set and raises when it has to begin anew."""

    name: str
    service: str
    act: Callable[[threading.Event], None]

    def run(self, stop: threading.Event) -> None:
        """Until stopped, whatever happens."""
        pause = 0.0
        while not stop.is_set():
            began = time.monotonic()
            try:
                self.act(stop)
            except Exception as error:  # noqa: BLE001 - whatever it is, this chore has to go on
                went_well = time.monotonic() - began > LONGEST_PAUSE
                pause = 0.2 if went_well else min(LONGEST_PAUSE, pause * 2 or 0.2)
                named = {"target": self.service, "reason": type(error).__name__}  # its text may hold data
                log.warning("%s waits", self.name, extra=named)
                stop.wait(pause)


def chores(settings: Settings, service: str, figures: Figures) -> list[Chore]:
    """All chores at one service's database."""
    found = [
        Chore("sealer", service, lambda stop: _seal(settings, service, figures, stop)),
        Chore("sweeper", service, lambda stop: sweeping.keep_sweeping(settings, service, stop)),
    ]
    if service in blind_index.INDEXED:
        found.append(Chore("indexer", service, lambda stop: _index(settings, service, stop)))
    return found


def _seal(settings: Settings, service: str, figures: Figures, stop: threading.Event) -> None:
    key = bytes.fromhex(settings.secret("chain_key"))
    with store.connect(settings.database_url(service)) as connection:
        try:
            figures.note(service, sealing=True)
            chain.keep_sealing(connection, key, stop)
        finally:
            figures.note(service, sealing=False)


def _index(settings: Settings, service: str, stop: threading.Event) -> None:
    with store.connect(settings.database_url(service)) as connection:
        blind_index.keep_indexing(settings, service, connection, stop)
