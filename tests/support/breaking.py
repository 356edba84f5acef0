"""Ways to break a running network, each with its way back."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator

from chassis.settings import SERVICES
from tests.support.network import Network

KILLABLE = (*SERVICES, "gateway", "relay", "sender", "rabbitmq", "postgres")
RESPAWN_SECONDS = 5.0
READY_SECONDS = 60.0
HOLD_SECONDS = 0.05


def struck(network: Network, name: str, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to a process as soon as it serves: what is still starting is left alone."""
    deadline = time.monotonic() + READY_SECONDS
    while not ((line := network.line(name)).ready and line.pid):
        assert time.monotonic() < deadline, f"{name} never served: {line}"
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):  # somebody was faster
        os.kill(line.pid, number)


def respawned(network: Network, name: str, number: signal.Signals = signal.SIGKILL) -> float:
    """End a process; returns how long its successor took to be there, and fails when that is longer than allowed."""
    pid = network.line(name).pid
    killed = network.kill(name, number)
    while network.line(name).pid in {0, pid}:
        assert time.monotonic() - killed < RESPAWN_SECONDS, f"{name} was not started again in time"
        time.sleep(0.02)
    return time.monotonic() - killed


@contextlib.contextmanager
def held_down(network: Network, name: str) -> Iterator[None]:
    """Keep a process from serving: whatever the supervisor starts is killed at once; it comes back afterwards."""
    stop = threading.Event()
    first = network.line(name).pid

    def hold() -> None:
        while not stop.wait(HOLD_SECONDS):
            pid = network.line(name).pid
            if pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    network.kill(name)
    thread = threading.Thread(target=hold)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        network.until_back(name, first, 60)


def whole(network: Network, seconds: float = 60.0) -> None:
    """Wait until every process serves."""
    deadline = time.monotonic() + seconds
    while not all(line.ready and line.pid for line in network.state().processes.values()):
        assert time.monotonic() < deadline, network.state()
        time.sleep(0.1)
