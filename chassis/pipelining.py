"""Several statements in one flush: psycopg's pipeline writes to the socket after each statement, this one once.

Measured figures and the reason stand in docs/decisions/0009-few-round-trips.md. The two attributes of psycopg that are
used here are held by the pinned version and by a test (tests/integration/test_unit_of_work.py).
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import psycopg


class Together(deque[Callable[[], None]]):
    """psycopg's queue of commands, which hands out all of them as one."""

    def popleft(self) -> Callable[[], None]:
        """Everything that waits."""
        waiting = list(self)
        self.clear()
        return partial(_all, waiting)


@contextlib.contextmanager
def one_flush(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Queue the statements executed inside and send them together; raises at the end what the first failing one did."""
    with connection.pipeline() as pipeline:
        held: Any = pipeline  # its type does not know that a generator method may be replaced for a while
        held.command_queue = Together()
        held._communicate_gen = _nothing  # noqa: SLF001 -- see the module's first lines
        try:
            yield
        finally:
            del held._communicate_gen  # noqa: SLF001 -- as above


def _nothing() -> Iterator[None]:
    return iter(())


def _all(commands: list[Callable[[], None]]) -> None:
    for command in commands:
        command()
