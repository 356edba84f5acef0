"""One program that the launcher runs: how it starts, when it is ready, how it is asked to stop."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.faults import LocalFault

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)  # loaded here, because nothing may be loaded between fork and exec
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Program:
    """What to run, as whom, and the probe that tells whether it serves (never its exit code)."""

    name: str
    command: tuple[str, ...]
    log: Path
    ready: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path("/")
    account: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    before: Callable[[], None] | None = None
    port: int = 0


def spawn(program: Program) -> subprocess.Popen[bytes]:
    """Start `program` in a process group of its own; it is told to stop when the thread that started it dies."""
    if program.before:
        program.before()
    wanted = int(program.stop_signal)

    def leash() -> None:  # runs after the change of user, which would clear the wish
        _libc.prctl(PR_SET_PDEATHSIG, wanted, 0, 0, 0)

    try:
        with program.log.open("ab") as log:
            return subprocess.Popen(
                program.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=program.folder,
                env=dict(program.env),
                start_new_session=True,
                preexec_fn=leash,  # noqa: PLW1509  calls one function loaded before the fork
                user=program.account,
                group=program.account,
                extra_groups=() if program.account else None,
            )
    except OSError as error:
        message = f"{program.name} could not be started: {error.strerror} ({error.filename or program.command[0]})."
        raise LocalFault(message) from error


def wait_ready(program: Program, process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait until the probe says yes; False when the process ended or the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return False
        if program.ready():
            return True
        time.sleep(POLL_SECONDS)
    return False


def end(program: Program, process: subprocess.Popen[bytes], seconds: float | None = None) -> None:
    """Ask `process` to stop, wait, and kill its whole group when it does not."""
    if process.poll() is None:
        process.send_signal(program.stop_signal)
        try:
            process.wait(program.stop_seconds if seconds is None else seconds)
        except subprocess.TimeoutExpired:
            kill_group(process.pid)
    kill_group(process.pid)  # whatever the program left in its group
    with contextlib.suppress(subprocess.TimeoutExpired):  # one that hangs in the kernel must not keep the rest running
        process.wait(5)


def kill_group(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Signal a process group that may be gone already."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def start_time(pid: int) -> int | None:
    """When a living process started, in clock ticks since boot; with the pid it names one process for good."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def last_lines(log: Path, count: int = 8) -> str:
    """The end of a log file, for the person who must see why a program failed."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-count:])
    except OSError:
        return ""
