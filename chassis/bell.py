"""Wakes who waits in this process for a number to grow, such as the last position of a stream.

Waiting costs a green thread and nothing else: no worker, no connection. Whoever makes the number grow rings after its
commit. Other processes cannot ring here, so while somebody waits, a look at the source every half second is the net:
one question for all that is waited for.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

from nameko.extensions import DependencyProvider

from chassis import providers
from chassis.db import Database
from chassis.errors import Refused
from chassis.tracing import log_fault

LOOK_SECONDS = 0.5
BEAT_SECONDS = 15.0
MOST_QUESTIONS = 4
Look = Callable[[Sequence[str]], Mapping[str, int]]
Answer = TypeVar("Answer")


class _Line:
    """Those who wait for one number."""

    __slots__ = ("changed", "waiting")

    def __init__(self, lock: threading.Lock) -> None:
        self.changed = threading.Condition(lock)
        self.waiting = 0


class Bell:
    """Rings when a number has grown; `look` asks the source for the numbers of these names.

    `beat` is how often one who waits for long gives a sign of life.
    """

    def __init__(self, look: Look, *, look_seconds: float = LOOK_SECONDS, beat: float = BEAT_SECONDS) -> None:
        self.beat = beat
        self.once = Once(MOST_QUESTIONS)
        self._look = look
        self._look_seconds = look_seconds
        self._lock = threading.Lock()
        self._last: dict[str, int] = {}
        self._lines: dict[str, _Line] = {}
        self._looking = False

    def ring(self, name: str, number: int) -> None:
        """Say that the number has grown; kept, so that nobody misses it who is just about to wait."""
        with self._lock:
            self._last[name] = max(number, self._last.get(name, 0))
            line = self._lines.get(name)
            if line is not None:
                line.changed.notify_all()

    def wait(self, name: str, *, beyond: int, seconds: float) -> bool:
        """Wait until the number is greater than `beyond`; False when it was not in that time."""
        with self._lock:
            line = self._lines.setdefault(name, _Line(self._lock))
            line.waiting += 1
            try:
                self._start_looking()
                return line.changed.wait_for(lambda: self._last.get(name, 0) > beyond, max(0.0, seconds))
            finally:
                line.waiting -= 1
                if not line.waiting:
                    del self._lines[name]

    def pause(self) -> None:
        """For one who was woken and found nothing, as after a database was put back to an older state."""
        time.sleep(self._look_seconds)

    def _start_looking(self) -> None:
        if not self._looking:
            threading.Thread(target=self._look_on, daemon=True, name="bell").start()
            self._looking = True  # not before: a thread that could not be started is started by the next who waits

    def _look_on(self) -> None:
        while True:
            time.sleep(self._look_seconds)
            with self._lock:
                names = tuple(self._lines)
                self._looking = bool(names)
            if not names:
                return
            for name, number in self._looked(names).items():
                self.ring(name, number)

    def _looked(self, names: Sequence[str]) -> Mapping[str, int]:
        try:
            return self._look(names)
        except Refused:
            return {}  # the source is away for the moment; who waits goes on waiting
        except Exception as error:  # noqa: BLE001 - the net must not be gone after one fault
            log_fault("bell.fault", error)
            return {}


class Once:
    """Lets all who ask the same at the same time share one answer; only a few different questions run at once."""

    def __init__(self, most: int) -> None:
        self._lock = threading.Lock()
        self._places = threading.Semaphore(most)
        self._running: dict[Hashable, Future[Any]] = {}

    def ask(self, key: Hashable, question: Callable[[], Answer]) -> Answer:
        """The answer to the question that is known by this key. Raises what the question raises."""
        while True:
            with self._lock:
                running = self._running.get(key)
                if running is None:
                    self._running[key] = Future()
                    break
            with contextlib.suppress(CancelledError):
                shared: Answer = running.result()
                return shared
        return self._asked(key, question)

    def _asked(self, key: Hashable, question: Callable[[], Answer]) -> Answer:
        try:
            with self._places:
                answer = question()
        except Exception as error:
            self._forget(key).set_exception(error)
            raise
        except BaseException:
            self._forget(key).cancel()  # only the one who asked was ended: another of them asks instead
            raise
        self._forget(key).set_result(answer)
        return answer

    def _forget(self, key: Hashable) -> Future[Any]:
        # Before the answer is given: whoever asks from now on gets a newer one.
        with self._lock:
            return self._running.pop(key)


class BellProvider(DependencyProvider):
    """Supplies the one bell of this process."""

    def __init__(self, look: Callable[[Database, Sequence[str]], Mapping[str, int]]) -> None:
        """`look` reads the numbers of these names from the service's database."""
        self._look = look
        self._bell: Bell | None = None

    def setup(self) -> None:
        """Make the bell; nothing is asked before somebody waits."""
        database = providers.database_of(self.container)
        given = self.container.config
        beat = float(given.get("beat_seconds", BEAT_SECONDS))
        look = float(given.get("look_seconds", LOOK_SECONDS))
        self._bell = Bell(lambda names: self._look(database, names), look_seconds=look, beat=beat)

    def get_dependency(self, worker_ctx: Any) -> Bell:  # noqa: ARG002 -- nameko's signature
        """Inject the bell."""
        if self._bell is None:
            raise RuntimeError("the bell is made at the start of the process")
        return self._bell
