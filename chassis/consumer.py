"""Reads one service's queue: decode, apply in order, acknowledge after the commit; delay, then park, the failing.

A database or broker that is gone is waited for and counts as nobody's failure (outage, not poison).
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from chassis import inbox, topology
from chassis.envelope import Received, Unreadable
from chassis.errors import Unavailable
from chassis.inbox import Kept, Verdict
from chassis.link import GONE, HEARTBEAT, Link, LinkLost
from chassis.retry import Retries
from chassis.settings import Settings

if TYPE_CHECKING:
    from chassis.db import Database, Work

log = logging.getLogger(__name__)

PREFETCH = 50
TOGETHER = 40
TRIES_AT_ONCE = 3
BUSY, BUSY_TRIES = "database.busy", 4
WAIT_SECONDS = 0.25
SWEEP_SECONDS = 5.0
CLEAN_EVERY = 720  # sweeps
LONGEST_PAUSE = 15.0
FAILURES_IN_A_ROW = 10

Stream = tuple[str, UUID, str]
Result = TypeVar("Result")


class _Stopping(Exception):
    """The process is asked to stop while an event waits for something; it is given back."""


class Consumer:
    """One consumer; `run` is its thread, `stop` ends it."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        service: str,
        nouns: Iterable[str],
        dispatch: Callable[[Work, Received], None],
    ) -> None:
        url = settings.amqp_url(service)
        self._database = database
        self._service = service
        self._nouns = sorted(nouns)
        self._dispatch = dispatch
        self._link = Link(url, name=f"{service} events")
        self._retries = Retries(Link(url, name=f"{service} retries"), service)
        self._buffer: deque[Any] = deque()
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._ended.set()
        self._busy = False
        self._failing: set[UUID] = set()
        self._pause = 0.0
        self._sweep_due = 0.0
        self._sweeps = 0
        self.counts: Counter[str] = Counter()

    @property
    def connected(self) -> bool:
        """Whether it reads from the broker now."""
        return self._link.is_open

    def run(self) -> None:
        """Until stopped: connect, declare, read; after trouble again, with growing pauses."""
        self._ended.clear()
        threading.Thread(target=self._beat, name=f"{self._service}-heartbeat", daemon=True).start()
        try:
            while not self._stopping.is_set():
                try:
                    self._connect()
                    self._read()
                except _Stopping:
                    break
                except Exception as error:  # noqa: BLE001 - whatever it is, this service must hear of events again
                    self._rest(error)
        finally:
            self._leave()
            self._ended.set()

    def stop(self, seconds: float) -> None:
        """Stop taking events, finish the one in work, and return at the latest after `seconds`."""
        self._stopping.set()
        if not self._ended.wait(seconds):
            self._link.abandon()

    def _connect(self) -> None:
        self._buffer.clear()
        self._link.open()
        try:
            with self._link.limit():
                topology.declare_service(self._link.connection, self._service, self._nouns)
                self._link.channel.basic_qos(0, PREFETCH, a_global=False)
                self._link.channel.basic_consume(topology.queue_name(self._service), callback=self._buffer.append)
        except GONE as error:
            self._link.abandon()
            raise LinkLost(type(error).__name__) from error
        log.info("consumer reads", extra={"target": self._service})

    def _read(self) -> None:
        while not self._stopping.is_set():
            if self._buffer:
                if len(self._buffer) == 1 or not self._take_together():
                    self._take(self._buffer.popleft())
                self._pause = 0.0
            else:
                self._link.listen(WAIT_SECONDS)
            if time.monotonic() >= self._sweep_due:
                self._sweep()

    def _take_together(self) -> bool:
        """Apply what has piled up in one transaction; False, with nothing done, when one of it cannot be applied.

        A commit for each event would cost more than the events themselves; the failing one is then found singly.
        """
        messages = list(islice(self._buffer, TOGETHER))
        self._busy = True
        try:
            read = [(kept.read(), kept) for kept in map(_kept, messages)]
            verdicts = self._patiently(lambda: self._apply_all(read))
        except _Stopping:
            raise
        except Exception:  # noqa: BLE001 - a handler may raise anything; it will raise again when it is taken singly
            return False
        finally:
            self._busy = False
        self.counts.update(verdict.fate.value for verdict in verdicts)
        self._failing.clear()
        for (event, _), verdict in zip(read, verdicts, strict=True):
            if verdict.followed:
                self._follow((event.source, event.subject, event.audience))
        for _ in messages:
            self._buffer.popleft()
        with self._link.limit():
            self._link.channel.basic_ack(messages[-1].delivery_tag, multiple=True)
        return True

    def _apply_all(self, read: list[tuple[Received, Kept]]) -> list[Verdict]:
        with self._database.background(f"{self._service}.inbox") as work:
            verdicts = []
            for event, kept in read:
                work.cause = event
                verdicts.append(inbox.apply(work, event, self._dispatch, kept=kept))
            return verdicts

    def _take(self, message: Any) -> None:
        kept = _kept(message)
        self._busy = True
        try:
            try:
                event = kept.read()
            except Unreadable as error:
                self.counts["unreadable"] += 1
                self._retries.park(kept, message.properties.get("message_id"), error.reason)
            else:
                self._settle(event, kept)
            self._busy = False
            with self._link.limit():
                self._link.channel.basic_ack(message.delivery_tag)
        except BaseException:
            self._buffer.appendleft(message)  # not acknowledged: it is given back, or comes again
            raise
        finally:
            self._busy = False

    def _settle(self, event: Received, kept: Kept) -> None:
        """Apply an event, and then whatever waited for it; all of it before the acknowledgement."""
        if self._applied(event, kept):
            self._follow((event.source, event.subject, event.audience))

    def _follow(self, stream: Stream) -> None:
        while not self._stopping.is_set():
            kept = self._patiently(lambda: self._next_of(stream))
            if kept is None or not self._applied(kept.read(), kept):
                return

    def _next_of(self, stream: Stream) -> Kept | None:
        with self._database.background(f"{self._service}.inbox") as work:
            return inbox.next_waiting(work, *stream)

    def _applied(self, event: Received, kept: Kept) -> bool:
        """Try at once, three times; then hand the event to the ladder. Returns whether others wait behind it."""
        error: Exception | None = None
        for _ in range(TRIES_AT_ONCE):
            try:
                verdict = self._patiently(lambda: self._apply(event, kept))
            except _Stopping:
                raise
            except Exception as failure:  # noqa: BLE001 - a handler may raise anything
                error = failure
            else:
                self.counts[verdict.fate.value] += 1
                self._failing.clear()
                return verdict.followed
        self._failed(event, kept, error)
        return False

    def _apply(self, event: Received, kept: Kept) -> Verdict:
        with self._database.background(f"{self._service}.inbox", cause=event) as work:
            return inbox.apply(work, event, self._dispatch, kept=kept)

    def _failed(self, event: Received, kept: Kept, error: Exception | None) -> None:
        name = type(error).__name__
        self.counts["failed"] += 1
        place = self._retries.delay(kept, str(event.id), name)
        log.error(
            "event failed", extra={"target": self._service, "event_id": str(event.id), "fault": name, "queue": place}
        )
        self._patiently(lambda: self._block(event))
        self._failing.add(event.subject)
        if len(self._failing) >= FAILURES_IN_A_ROW:  # it looks like an outage: probe with one at a time
            self._sleep(min(LONGEST_PAUSE, 0.5 * 2 ** min(10, len(self._failing) - FAILURES_IN_A_ROW)))

    def _block(self, event: Received) -> None:
        with self._database.background(f"{self._service}.inbox") as work:
            inbox.block(work, event)
            inbox.forget_waiting(work, event.id)

    def _patiently(self, step: Callable[[], Result]) -> Result:
        """Do a step, waiting while the database is gone; where it is busy every time, that is the event's own doing."""
        pause, busy = 0.1, 0
        while True:
            try:
                return step()
            except Unavailable as error:
                self.counts["outage"] += 1
                busy += error.code == BUSY
                if busy >= BUSY_TRIES:
                    raise
                self._sleep(pause)
                pause = min(LONGEST_PAUSE / 3, pause * 2)

    def _sweep(self) -> None:
        """Let go on what can by itself: after a crash between two commits, or when an operator dropped an event."""
        self._sweep_due = time.monotonic() + SWEEP_SECONDS
        self._sweeps += 1
        try:
            with self._database.background(f"{self._service}.inbox") as work:
                streams = inbox.ready_streams(work)
                if self._sweeps % CLEAN_EVERY == 0:
                    inbox.clean(work)
        except Unavailable:
            return
        for stream in streams:
            self._follow(stream)

    def _sleep(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise _Stopping

    def _rest(self, error: Exception) -> None:
        self._pause = min(LONGEST_PAUSE, self._pause * 2 or 0.25)
        reason = error.reason if isinstance(error, LinkLost) else type(error).__name__
        log.warning("consumer waits", extra={"target": self._service, "reason": reason})
        self._link.abandon()
        self._stopping.wait(self._pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreads reconnects, guards nothing

    def _beat(self) -> None:
        """While a handler runs nobody reads the socket, so the heartbeat is sent from here."""
        while not self._ended.wait(HEARTBEAT / 3):
            connection = self._link.connection
            if self._busy and connection is not None:
                try:
                    connection.connection.send_heartbeat()
                except GONE:
                    continue  # the reader finds out by itself

    def _leave(self) -> None:
        """Give back what was not worked on, by reject: from 4.3 only reject counts against the delivery limit."""
        if self._link.is_open:
            try:
                with self._link.limit(2):
                    for message in self._buffer:
                        self._link.channel.basic_reject(message.delivery_tag, requeue=True)
            except GONE:
                self._link.abandon()
        self._link.close()
        self._retries.close()


def _kept(message: Any) -> Kept:
    body = message.body
    raw = body.encode() if isinstance(body, str) else bytes(body)
    return Kept(raw, message.properties.get("application_headers") or {})
