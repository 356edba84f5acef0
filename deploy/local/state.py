"""What one network writes down about itself: status, down and the next start know by it which processes are its own."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from deploy.local.faults import LocalFault
from deploy.local.program import kill_group, start_time

ORPHAN_SECONDS = 12.0


@dataclass
class Line:
    """One process: `started` (clock ticks since boot) tells it from a later one with the same pid."""

    name: str
    pid: int = 0
    started: int = 0
    port: int = 0
    ready: bool = False
    restarts: int = 0
    note: str = ""

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return self.pid > 0 and start_time(self.pid) == self.started


@dataclass
class State:
    """The whole network; `phase` is starting, running or stopping."""

    supervisor: Line
    phase: str = "starting"
    processes: dict[str, Line] = field(default_factory=dict)


def path_of(home: Path) -> Path:
    """The state file of a home."""
    return home / "run" / "network.json"


def write(home: Path, state: State) -> None:
    """Replace the state file in one step."""
    path = path_of(home)
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(asdict(state), indent=1), encoding="utf-8")
    temporary.rename(path)


def read(home: Path) -> State | None:
    """The last written state; None when there is none or it is unreadable."""
    try:
        told = json.loads(path_of(home).read_text(encoding="utf-8"))
        processes = {name: Line(**line) for name, line in told["processes"].items()}
        return State(Line(**told["supervisor"]), told["phase"], processes)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def hold(home: Path) -> IO[bytes]:
    """Take the home for this process; the kernel gives it back when the process ends. Raises LocalFault when taken."""
    file = (home / "run" / "lock").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        message = f"A network already runs in {home}; `tukiverkko status` shows it, `tukiverkko down` stops it."
        raise LocalFault(message) from error
    return file


def end_orphans(home: Path) -> list[str]:
    """End what an earlier supervisor that was killed left running; returns the names."""
    state = read(home)
    orphans = [line for line in state.processes.values() if line.alive] if state else []
    for line in orphans:
        _ask(line)
    deadline = time.monotonic() + ORPHAN_SECONDS
    while any(line.alive for line in orphans) and time.monotonic() < deadline:
        time.sleep(0.05)
    for line in orphans:
        if line.alive:
            kill_group(line.pid)
    return [line.name for line in orphans]


def _ask(line: Line) -> None:
    wanted = signal.SIGINT if line.name in {"postgres", "keystore"} else signal.SIGTERM
    try:
        os.kill(line.pid, wanted)
    except ProcessLookupError:
        return
