"""Keeps programs running: notices the end of each, starts it again with back-off, names the one that keeps failing."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.faults import LocalFault
from deploy.local.program import Program, end, kill_group, last_lines, spawn, start_time
from deploy.local.state import Line

FIRST_DELAY, LONGEST_DELAY = 0.2, 30.0
STEADY_SECONDS = 20.0  # a program that lived so long has not "failed at start"
TELL_AFTER = 3
LOG_BYTES = 10 * 1024 * 1024


@dataclass
class Watched:
    """One program and its present process."""

    program: Program
    line: Line
    process: subprocess.Popen[bytes] | None = None
    begun: float = 0.0
    failures: int = 0
    again_at: float = 0.0

    def start(self) -> None:
        """Start the process; must be called in the main thread, whose death ends it."""
        self.begun = time.monotonic()
        self.process = spawn(self.program)
        self.line.pid = self.process.pid
        self.line.started = start_time(self.process.pid) or 0
        self.line.ready = False
        self.line.note = ""

    @property
    def ended(self) -> int | None:
        """The exit code, or None while it runs."""
        return self.process.poll() if self.process else None


@dataclass
class Watch:
    """All programs of one network; `say` takes one sentence for the person who started it."""

    say: Callable[[str], None]
    changed: Callable[[], None]
    watched: dict[str, Watched] = field(default_factory=dict)

    def add(self, program: Program) -> Watched:
        """Start a program and keep it running from now on."""
        entry = Watched(program, Line(program.name, port=program.port))
        self.watched[program.name] = entry
        entry.start()
        self.changed()
        return entry

    def look(self) -> None:
        """One round: restart what ended, note what became ready, cut long logs."""
        for entry in self.watched.values():
            if entry.process is not None and entry.ended is not None:
                self._fell(entry)
            elif entry.process is None and time.monotonic() >= entry.again_at:
                self._again(entry)
            elif entry.process is not None and not entry.line.ready and entry.program.ready():
                entry.line.ready = True
                self._recovered(entry)
            cut(entry.program.log)

    def stop(self, names: Iterable[str], seconds: float) -> None:
        """Ask all of `names` at once, wait for them together, then kill what is left."""
        entries = [entry for name in names if (entry := self.watched.pop(name, None)) and entry.process]
        for entry in entries:
            if entry.process and entry.process.poll() is None:
                entry.process.send_signal(entry.program.stop_signal)
        deadline = time.monotonic() + seconds
        while any(entry.ended is None for entry in entries) and time.monotonic() < deadline:
            time.sleep(0.02)
        for entry in entries:
            if entry.process:
                end(entry.program, entry.process, 0.0)
        self.changed()

    def _fell(self, entry: Watched) -> None:
        code = entry.ended
        kill_group(entry.line.pid)  # nothing of it may keep the port
        steady = time.monotonic() - entry.begun > STEADY_SECONDS
        entry.failures = 1 if steady or entry.line.ready else entry.failures + 1
        delay = min(LONGEST_DELAY, FIRST_DELAY * 2 ** (entry.failures - 1))
        entry.process, entry.again_at = None, time.monotonic() + delay
        entry.line.pid, entry.line.ready, entry.line.note = 0, False, f"ended ({describe(code)})"
        if entry.failures == TELL_AFTER:
            self.say(f"{entry.program.name} keeps failing; its last lines:\n{last_lines(entry.program.log)}")
        elif entry.failures < TELL_AFTER:
            self.say(f"{entry.program.name} ended ({describe(code)}); it is started again.")
        self.changed()

    def _again(self, entry: Watched) -> None:
        entry.line.restarts += 1
        try:
            entry.start()
        except LocalFault as fault:
            entry.failures += 1
            entry.again_at = time.monotonic() + LONGEST_DELAY
            entry.line.note = str(fault)
            self.say(str(fault))
        self.changed()

    def _recovered(self, entry: Watched) -> None:
        if entry.line.restarts:
            self.say(f"{entry.program.name} serves again after {time.monotonic() - entry.begun:.1f} s.")
        entry.failures = 0
        self.changed()


def describe(code: int | None) -> str:
    """An exit code in words."""
    if code is None:
        return "running"
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"


def cut(log: Path) -> None:
    """Keep a log below its size: the old part moves to NAME.log.1 (the writer appends, so cutting is safe)."""
    try:
        if log.stat().st_size > LOG_BYTES:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            with log.open("r+b") as file:
                file.truncate(0)
    except OSError:
        return
