"""How psycopg waits under eventlet: green, with as few system calls as possible (architecture.md trap 1).

psycopg's own waits either block the whole process (the C one) or build a selector for every statement; this one asks
the hub for the socket only when the server has not answered yet.
"""

from __future__ import annotations

import time
from typing import Any

from eventlet import patcher
from eventlet.hubs import trampoline
from psycopg import waiting
from psycopg.errors import _WaitTimeout

_look = patcher.original("select").select
READ, WRITE = 1, 2  # psycopg's flags for both wanted and ready


def green_wait(gen: Any, fileno: int, interval: float = 0.0, timeout: float | None = None) -> Any:
    """Drive a generator of psycopg to its end, letting other green threads run while the server works.

    Raises _WaitTimeout when `timeout` seconds have passed; `interval` is for Ctrl-C in real threads and not needed.
    """
    del interval
    deadline = None if timeout is None else time.monotonic() + timeout
    try:
        wanted = next(gen)
        while True:
            wanted = gen.send(_ready(fileno, wanted, deadline))
    except StopIteration as end:
        return end.value


def install() -> None:
    """Let every connection of this process wait green."""
    waiting.wait = green_wait


def is_green() -> bool:
    """Whether psycopg waits green in this process; asserted when a process starts."""
    return waiting.wait is green_wait


def _ready(fileno: int, wanted: int, deadline: float | None) -> int:
    left = None if deadline is None else deadline - time.monotonic()
    if left is not None and left <= 0:
        raise _WaitTimeout("the server did not answer in time")
    if wanted == READ:
        _sleep_until(fileno, left, read=True)
        return READ
    readable, writable, _ = _look([fileno], [fileno], [], 0)
    ready = (READ if readable else 0) | (WRITE if writable else 0)
    if not ready:
        _sleep_until(fileno, left, write=True)
        ready = WRITE
    return ready


def _sleep_until(fileno: int, left: float | None, *, read: bool = False, write: bool = False) -> None:
    try:
        trampoline(fileno, read=read, write=write, timeout=left)
    except TimeoutError as error:
        raise _WaitTimeout("the server did not answer in time") from error
