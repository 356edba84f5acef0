"""What becomes of each event that a consumer took: applied in order, delayed, or parked; nothing is forgotten.

A database that is gone is waited for and counts as nobody's failure. An event that fails is tried three times at once
and then goes to the ladder; one that breaks its contract is parked; later ones of its stream wait behind either.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from chassis import contracts, gaps, inbox
from chassis.envelope import Received
from chassis.errors import Unavailable
from chassis.inbox import Kept, Unfit, Verdict
from chassis.link import LinkLost
from chassis.pulse import Pulse
from chassis.retry import Retries

if TYPE_CHECKING:
    from chassis.db import Database, Work

log = logging.getLogger(__name__)

TRIES_AT_ONCE = 3
BUSY, BUSY_TRIES = "database.busy", 4
SWEEP_SECONDS = 5.0
CLEAN_EVERY = 720  # sweeps
LONGEST_PAUSE = 15.0
FAILURES_IN_A_ROW = 10
LOST_AFTER = dt.timedelta(minutes=1)

Stream = tuple[str, UUID, str]
Read = tuple[Received, Kept]
Result = TypeVar("Result")


class Stopping(Exception):
    """The process is asked to stop while an event waits for something; it is given back."""


class Settler:
    """Settles the events of one service, one caller at a time; `counts` says what became of them."""

    def __init__(
        self,
        database: Database,
        retries: Retries,
        *,
        service: str,
        dispatch: Callable[[Work, Received], None],
        ask_after: dt.timedelta,
        stopping: threading.Event,
    ) -> None:
        self._database = database
        self._retries = retries
        self._service = service
        self._dispatch = dispatch
        self._ask_after = ask_after
        self._stopping = stopping
        self._failing: set[UUID] = set()
        self._sweep_due = 0.0
        self._sweeps = 0
        self.counts: Counter[str] = Counter()
        self.pulse = Pulse()

    def settle_together(self, read: Sequence[Read]) -> bool:
        """Apply several in one transaction; False, with nothing done, when one of them cannot be applied.

        A commit for each event would cost more than the events themselves; the failing one is then found singly.
        """
        try:
            verdicts = self._patiently(lambda: self._apply_all(read))
        except Stopping:
            raise
        except Exception:  # noqa: BLE001 - a handler may raise anything; it will raise again when it is taken singly
            return False
        self.counts.update(verdict.fate.value for verdict in verdicts)
        self._failing.clear()
        for (event, _), verdict in zip(read, verdicts, strict=True):
            if verdict.followed:
                self._follow((event.source, event.subject, event.audience))
        return True

    def settle(self, event: Received, kept: Kept) -> None:
        """Apply an event, then whatever waited for it."""
        if self._applied(event, kept):
            self._follow((event.source, event.subject, event.audience))

    def park_unreadable(self, kept: Kept, message_id: str | None, reason: str) -> None:
        """Park a message that is no event of ours."""
        self.counts["unreadable"] += 1
        self._surely(lambda: self._retries.park(kept, message_id, reason))

    def sweep(self) -> None:
        """Let go on what can by itself, after a crash between two commits for instance, and ask for what is missing."""
        if time.monotonic() < self._sweep_due:
            return
        self._sweep_due = time.monotonic() + SWEEP_SECONDS
        self._sweeps += 1
        try:
            with self._database.background(f"{self._service}.inbox") as work:
                streams = gaps.ready_streams(work)
                asked = gaps.ask_for_missing(work, self._ask_after)
                if self._sweeps % CLEAN_EVERY == 0:
                    gaps.clean(work)
        except Unavailable:
            return
        except Exception as error:  # noqa: BLE001 - upkeep must never keep the service from reading
            log.error("sweep failed", extra={"target": self._service, "fault": type(error).__name__})  # noqa: TRY400 - its text may hold data
            return
        self.counts["asked"] += asked
        for stream in streams:
            self._follow(stream)

    def _follow(self, stream: Stream) -> None:
        while not self._stopping.is_set():
            self.pulse.beat()
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
            except Stopping:
                raise
            except Unfit as unfit:
                self._park(event, kept, unfit)
                return False
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
            return inbox.apply(work, event, self._handle, kept=kept)

    def _apply_all(self, read: Sequence[Read]) -> list[Verdict]:
        with self._database.background(f"{self._service}.inbox") as work:
            inbox.look(work, [event for event, _ in read])
            verdicts = []
            for event, kept in read:
                work.cause = event
                verdicts.append(inbox.apply(work, event, self._handle, kept=kept))
            return verdicts

    def _handle(self, work: Work, event: Received) -> None:
        """Check an event whose turn has come against its contract, and hand it on. Raises Unfit."""
        fault = contracts.fault_of(event.type, event.version, event.data)
        if fault is not None:
            raise Unfit(fault)
        self._dispatch(work, event)

    def give_up(self, event: Received, kept: Kept) -> None:
        """Park an event that came back time and again without an end; its stream waits behind it."""
        self._park(event, kept, Unfit("delivery.limit"))

    def _park(self, event: Received, kept: Kept, unfit: Unfit) -> None:
        self.counts["unfit"] += 1
        self._surely(lambda: self._retries.park(kept, str(event.id), unfit.reason))
        log.error("event unfit", extra={"target": self._service, "event_id": str(event.id), "reason": unfit.reason})
        if unfit.blocks:
            self._block(event)

    def _failed(self, event: Received, kept: Kept, error: Exception | None) -> None:
        name = type(error).__name__
        self.counts["failed"] += 1
        place = self._surely(lambda: self._retries.delay(kept, str(event.id), name))
        log.error(
            "event failed", extra={"target": self._service, "event_id": str(event.id), "fault": name, "queue": place}
        )
        self._block(event)
        self._failing.add(event.subject)
        if len(self._failing) >= FAILURES_IN_A_ROW:  # it looks like an outage: probe with one at a time
            self._sleep(min(LONGEST_PAUSE, 0.5 * 2 ** min(10, len(self._failing) - FAILURES_IN_A_ROW)))

    def _block(self, event: Received) -> None:
        """Mark the stream as held up. The event lies in another queue already, so this must not undo that."""
        try:
            self._patiently(lambda: self._mark_blocked(event))
        except Stopping:
            raise
        except Exception as error:  # noqa: BLE001 - unmarked, it is asked for as a gap; a second copy is absorbed
            log.error("stream not marked", extra={"target": self._service, "fault": type(error).__name__})  # noqa: TRY400 - as above

    def _mark_blocked(self, event: Received) -> None:
        with self._database.background(f"{self._service}.inbox") as work:
            inbox.block(work, event)
            inbox.forget_waiting(work, event.id)

    def nothing_is_held(self) -> None:
        """Hear that neither ladder nor parked queue holds anything: what is said to block a stream is lost, then."""
        with contextlib.suppress(Unavailable), self._database.background(f"{self._service}.inbox") as work:
            gaps.unblock(work, work.now - LOST_AFTER)

    def _surely(self, send: Callable[[], str]) -> str:
        """Send a copy on, waiting while the broker takes none: to let go of the event would not make it better."""
        pause = 0.1
        while True:
            try:
                return send()
            except LinkLost as error:
                log.warning("copy waits", extra={"target": self._service, "reason": error.reason})
                self._sleep(pause)
                pause = min(LONGEST_PAUSE / 3, pause * 2)

    def _patiently(self, step: Callable[[], Result]) -> Result:
        """Do a step, waiting while the database is gone; where it is busy every time, that is the event's own doing."""
        pause, busy = 0.1, 0
        while True:
            try:
                return step()
            except Unavailable as error:
                self.pulse.beat()  # it waits for the database, which is told elsewhere; it has not stopped
                self.counts["outage"] += 1
                busy += error.code == BUSY
                if busy >= BUSY_TRIES:
                    raise
                self._sleep(pause)
                pause = min(LONGEST_PAUSE / 3, pause * 2)

    def _sleep(self, seconds: float) -> None:
        self.pulse.beat()
        if self._stopping.wait(seconds):
            raise Stopping
