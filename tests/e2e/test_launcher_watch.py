"""The watch over programs: restart, back-off, naming the one that keeps failing, an end that leaves nothing."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.program import Program, start_time
from deploy.local.watch import Watch

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('READY', flush=True); time.sleep(60)"
)
FAILING = "print('no such setting', flush=True); raise SystemExit(3)"
PARENT = "import subprocess, sys, time; subprocess.Popen(['sleep', '61']); print('READY', flush=True); time.sleep(60)"


@pytest.fixture
def said() -> list[str]:
    """What the person was told."""
    return []


@pytest.fixture
def watch(said: list[str]) -> Iterator[Watch]:
    """A watch that is stopped afterwards."""
    made = Watch(said.append, lambda: None)
    yield made
    made.stop(list(made.watched), 0.0)


def program(folder: Path, code: str) -> Program:
    """A Python program that is ready when it said so."""
    log = folder / "dummy.log"
    return Program("dummy", (sys.executable, "-c", code), log, lambda: "READY" in log.read_text(encoding="utf-8"))


def rounds(watch: Watch, enough: Callable[[], bool], seconds: float = 15.0) -> None:
    """Look until `enough`."""
    deadline = time.monotonic() + seconds
    while not enough():
        assert time.monotonic() < deadline
        watch.look()
        time.sleep(0.02)


def test_a_killed_program_is_back_within_five_seconds(watch: Watch, tmp_path: Path) -> None:
    entry = watch.add(program(tmp_path, STUBBORN))
    rounds(watch, lambda: entry.line.ready)
    first = entry.line.pid
    os.kill(first, signal.SIGKILL)
    begun = time.monotonic()
    rounds(watch, lambda: entry.line.ready and entry.line.pid != first)
    assert time.monotonic() - begun < 5
    assert entry.line.restarts == 1


def test_a_program_that_keeps_failing_is_named_with_its_last_lines(
    watch: Watch, said: list[str], tmp_path: Path
) -> None:
    entry = watch.add(program(tmp_path, FAILING))
    rounds(watch, lambda: entry.failures >= 4)
    assert any("dummy keeps failing" in text and "no such setting" in text for text in said)
    assert entry.again_at - time.monotonic() > 1  # it is tried more and more seldom


def test_a_program_that_does_not_listen_is_killed(watch: Watch, tmp_path: Path) -> None:
    entry = watch.add(program(tmp_path, STUBBORN))
    rounds(watch, lambda: entry.line.ready)
    begun = time.monotonic()
    watch.stop(["dummy"], 0.5)
    assert time.monotonic() - begun < 2
    assert not entry.line.alive


def test_nothing_of_a_group_stays_behind(watch: Watch, tmp_path: Path) -> None:
    entry = watch.add(program(tmp_path, PARENT))
    rounds(watch, lambda: entry.line.ready)
    group = entry.line.pid
    assert len(members(group)) == 2
    watch.stop(["dummy"], 5)
    deadline = time.monotonic() + 5
    while members(group) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert members(group) == []


def members(group: int) -> list[int]:
    """The living processes of a group."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and start_time(int(folder.name)):
            found.append(int(folder.name))
    return found
