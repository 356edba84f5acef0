"""A whole network of real processes for end-to-end tests, run by the launcher in a home of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chassis.settings import Settings
from deploy.local import state
from deploy.local.state import Line, State
from tests.support.instances import new_folder
from tests.support.ports import free_base

ROOT = Path(__file__).parent.parent.parent
PLANTING = Path(__file__).parent / "planting"
CLI = (sys.executable, "-m", "deploy.local.cli")
OUT_OF_REACH = dict.fromkeys(("caller_per_minute", "network_per_minute", "failures_per_minute"), "10000000")
UP_SECONDS = 90.0
DOWN_SECONDS = 20.0


@dataclass
class Network:
    """One running network; `settings` holds its addresses and secrets."""

    settings: Settings
    supervisor: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        """Address of the gateway."""
        return self.settings.url_of("gateway")

    def state(self) -> State:
        """What the supervisor wrote last."""
        found = state.read(self.settings.home)
        assert found is not None, self.log.read_text(encoding="utf-8")
        return found

    def line(self, name: str) -> Line:
        """One process as the supervisor knows it."""
        return self.state().processes[name]

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> float:
        """Send a signal to one process by its pid; returns the monotonic time of it."""
        os.kill(self.line(name).pid, number)
        return time.monotonic()

    def until_back(self, name: str, killed_pid: int, seconds: float = 30.0) -> float:
        """Wait until another process of that name serves; returns how long it took from now."""
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            line = self.line(name)
            if line.pid not in {0, killed_pid} and line.ready:
                return time.monotonic() - begun
            time.sleep(0.05)
        message = f"{name} did not come back in {seconds} s:\n{self.log.read_text(encoding='utf-8')}"
        raise AssertionError(message)

    def log_of(self, name: str) -> str:
        """The log of one process."""
        return (self.settings.home / "logs" / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def command(self, *arguments: str, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run `tukiverkko` against this network."""
        return tukiverkko(self.settings, *arguments, seconds=seconds)

    def stop(self) -> float:
        """End it as Ctrl-C would; returns how long it took."""
        begun = time.monotonic()
        self.supervisor.send_signal(signal.SIGTERM)
        self.supervisor.wait(DOWN_SECONDS)
        return time.monotonic() - begun


def new_settings(**extra: str) -> Settings:
    """Settings of a home and a port base that nobody uses; extra TUKIVERKKO_ settings by keyword.

    Tests and measurements ask more than any institution does, and much of it in vain: unless they say otherwise the
    limits are out of their reach, yet counted.
    """
    extra = {**OUT_OF_REACH, **extra}
    given = {f"TUKIVERKKO_{name.upper()}": value for name, value in extra.items()}
    return Settings.load({"TUKIVERKKO_HOME": str(new_folder()), "TUKIVERKKO_PORT": str(free_base()), **given})


def environment(settings: Settings) -> dict[str, str]:
    """The environment of a process of that network."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("TUKIVERKKO_", "PYTEST_"))}
    return {**outer, **dict(settings.environment or {}), "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)}


def tukiverkko(settings: Settings, *arguments: str, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        (*CLI, *arguments),
        cwd=ROOT,
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def planted(control: Path, ways: Mapping[str, int]) -> dict[str, str]:
    """What makes the launcher and all its processes obey `control`, and its processes use other ports than it does."""
    path = f"{PLANTING}{os.pathsep}{ROOT}"
    return {
        "PLANTING_CONTROL": str(control),
        "PYTHONPATH": path,
        **{f"PLANTING_SET_TUKIVERKKO_{name.upper()}_PORT": str(port) for name, port in ways.items()},
    }


def start(settings: Settings, *, wait: bool = True, more: Mapping[str, str] | None = None) -> Network:
    """Start a network in the foreground of a child process and wait until it serves."""
    log = settings.home / "up.log"
    with log.open("ab") as file:
        process = subprocess.Popen(
            (*CLI, "up"),
            cwd=ROOT,
            env={**environment(settings), **(more or {})},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    network = Network(settings, process, log)
    if wait:
        _await(network)
    return network


def discard(network: Network) -> None:
    """Stop and remove all of it."""
    try:
        if network.supervisor.poll() is None:
            network.stop()
    finally:
        if network.supervisor.poll() is None:
            network.supervisor.kill()
        shutil.rmtree(network.settings.home, ignore_errors=True)


def _await(network: Network) -> None:
    deadline = time.monotonic() + UP_SECONDS
    while time.monotonic() < deadline and network.supervisor.poll() is None:
        found = state.read(network.settings.home)
        if found and found.supervisor.pid == network.supervisor.pid and found.phase == "running":
            return
        time.sleep(0.05)
    said = network.log.read_text(encoding="utf-8")
    discard(network)
    message = f"The network did not start:\n{said}"
    raise RuntimeError(message)
