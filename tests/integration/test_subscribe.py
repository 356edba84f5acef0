"""`@subscribe` in a real nameko process under eventlet, fed by a real relay."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chassis.db import Database
from chassis.settings import Settings
from tests.integration.bus_rig import relaying, tell, until

Make = Callable[..., Settings]
SCRIPT = Path(__file__).parent / "subscribing_process.py"


@pytest.fixture
def network(vhost: Settings, service_database: Make) -> Settings:
    """Databases of a publisher and a subscriber, and a virtual host."""
    return service_database("groups", into=service_database("directory", into=vhost))


@pytest.fixture
def publisher(network: Settings) -> Iterator[Database]:
    """The publisher's database."""
    made = Database(network, "directory")
    yield made
    made.close()


class Process:
    """The subscriber's process and what it said."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.out, self.err = folder / "out", folder / "err"
        environment = {
            **os.environ,
            **(settings.environment or {}),
            "TUKIVERKKO_HOME": str(settings.home),
            "TUKIVERKKO_PORT": str(settings.port),
            "TUKIVERKKO_VHOST": settings.vhost,
            "PYTHONPATH": str(SCRIPT.parent.parent.parent),
        }
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen([sys.executable, str(SCRIPT)], stdout=out, stderr=err, env=environment)

    def lines(self, word: str) -> list[list[str]]:
        """The lines that begin with a word; not one that is just being written."""
        whole = self.out.read_text().rpartition("\n")[0].splitlines()
        return [line.split() for line in whole if line.startswith(word)]

    def stop(self) -> float:
        """SIGTERM; returns the seconds that it took."""
        started = time.monotonic()
        self.process.terminate()
        self.process.wait(15)
        return time.monotonic() - started


def test_a_service_hears_of_events_and_forgets_none(network: Settings, publisher: Database, tmp_path: Path) -> None:
    subject = uuid.uuid4()
    process = Process(network, tmp_path)
    try:
        until(lambda: process.lines("READY"), 30)
        with relaying(network, "directory"):
            for _ in range(50):
                tell(publisher, subject)
                time.sleep(0.01)
            until(lambda: len(process.lines("EVENT")) == 50, 30)
        assert [int(line[2]) for line in process.lines("EVENT")] == list(range(1, 51))
        tell_and_hang(network, publisher, process, subject)
        ages = sorted(float(line[3]) for line in process.lines("EVENT"))
        print("commit to handler in ms: p50", ages[25], "p90", ages[45], "max", ages[-1])  # noqa: T201 - shown by -s
    finally:
        seconds = process.stop()
    assert seconds < 5
    assert process.process.returncode == 0
    assert process.lines("STOPPED")
    assert not re.search("Jonas", process.err.read_text())


def tell_and_hang(network: Settings, publisher: Database, process: Process, subject: uuid.UUID) -> None:
    """Its handler hangs at this one: that is seen at both pages, and so is its going on."""
    with relaying(network, "directory"):
        tell(publisher, subject)
        until(lambda: any('"events":"stalled"' in line[1] and float(line[2]) > 1 for line in process.lines("SEEN")))
        until(lambda: len(process.lines("EVENT")) == 51)
        until(lambda: '"degraded":{}' in process.lines("SEEN")[-1][1] and float(process.lines("SEEN")[-1][2]) < 1)
