"""The partner's subscriber of the demo: the very sample that partners get, as a process of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from chassis.settings import Settings
from deploy.local.faults import LocalFault

SAMPLE = Path(__file__).parents[3] / "docs" / "subscribe" / "subscriber.py"
START_SECONDS = 20.0
ARRIVE_SECONDS = 20.0


class Subscriber:
    """The running sample; its lines are kept and handed to `say` as they come."""

    def __init__(self, process: subprocess.Popen[str], say: Callable[[str], None]) -> None:
        """Read the sample's lines in a thread until it ends."""
        self.lines: list[str] = []
        self._process = process
        self._say = say
        threading.Thread(target=self._read, daemon=True).start()

    def wait_for(self, *words: str, seconds: float = ARRIVE_SECONDS) -> str:
        """The first line with all these words. Raises LocalFault when it does not come in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for line in list(self.lines):
                if all(word in line.split() for word in words):
                    return line
            time.sleep(0.01)
        message = f"The subscriber has not seen {' '.join(words)} within {seconds:.0f} s; see `tukiverkko status`."
        raise LocalFault(message)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.strip())
            self._say(f"    subscriber │ {line.strip()}")


@contextlib.contextmanager
def subscriber(settings: Settings, *, address: str, queue: str, say: Callable[[str], None]) -> Iterator[Subscriber]:
    """Run the sample on a queue until the end of the block."""
    state = settings.home / "run" / "demo-subscriber.json"
    told = {"PARTNER_AMQP_URL": address, "PARTNER_QUEUE": queue, "PARTNER_STATE": str(state)}
    process = subprocess.Popen(
        (sys.executable, str(SAMPLE)),
        env={**os.environ, **told, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    try:
        listening = Subscriber(process, say)
        listening.wait_for("reading", queue, seconds=START_SECONDS)
        yield listening
    finally:
        process.terminate()
        process.wait(5)
