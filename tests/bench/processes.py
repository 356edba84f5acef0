"""CPU time and memory of the network's processes, from /proc."""

from __future__ import annotations

import os
from pathlib import Path

from chassis.settings import Settings
from deploy.local import state

TICK = os.sysconf("SC_CLK_TCK")
MIB = 1024 * 1024


def running(settings: Settings) -> dict[str, int]:
    """Name → process id of everything that the launcher runs."""
    found = state.read(settings.home)
    return {name: line.pid for name, line in found.processes.items() if line.pid} if found else {}


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and of its living children (PostgreSQL has one for each connection)."""
    return sum(_own_seconds(each) for each in (pid, *_children(pid)))


def resident_mib(pid: int) -> float:
    """Resident memory of a process in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


def _own_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    # utime, stime and what ended children used
    return sum(int(fields[place]) for place in (11, 12, 13, 14)) / TICK


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return found
    for child in text.split():
        found += [int(child), *_children(int(child))]
    return found
