"""What becomes of each event that a consumer took: applied in order, delayed, or parked; nothing is forgotten.

A database that is gone is waited for and counts as nobody's failure. An event that fails is tried three times at once
and then goes to the ladder; one that breaks its contract is parked; later ones of its stream wait behind either. Where
everything fails, the next one is held back and tried with growing pauses, so that an outage does not use up the ladder.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from chassis import contracts, gaps, inbox
from chassis.envelope import Received, Unreadable
from chassis.errors import Unavailable
from chassis.inbox import Fate, Kept, Unfit, Verdict
from chassis.patience import Patience, Stopping
from chassis.retry import Retries

if TYPE_CHECKING:
    from chassis.db import Database, Work

log = logging.getLogger(__name__)

TRIES_AT_ONCE = 3
FAILURES_IN_A_ROW = 10
PROBES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0)
"""Pauses before further tries of one event while everything fails. Not for ever: it may be the one that is wrong."""

TOGETHER_SECONDS = 0.25
"""After which no further event joins a transaction: its locks, the stop and the sign of life wait for its end."""

SWEEP_SECONDS = 5.0
CLEAN_SECONDS, CLEAN_MORE_SECONDS = 600.0, 1.0
LOST_AFTER = dt.timedelta(minutes=1)

Stream = tuple[str, UUID, str]
Read = tuple[Received, Kept]
Result = TypeVar("Result")


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
        self._clean_due = time.monotonic() + CLEAN_SECONDS
        self._patience = Patience(service, stopping)
        self.counts: Counter[str] = self._patience.counts
        self.pulse = self._patience.pulse

    @property
    def all_fail(self) -> bool:
        """Whether so many objects in a row failed that it looks like an outage."""
        return len(self._failing) >= FAILURES_IN_A_ROW

    def settle_together(self, read: Sequence[Read]) -> int:
        """Apply several in one transaction; returns how many, from the first one on.

        Fewer than given when they take long or the process has to stop; none, with nothing done, when one of them
        cannot be applied. A commit for each would cost more than the events themselves; the failing one is then found
        singly.
        """
        try:
            verdicts = self._patience.for_database(lambda: self._apply_all(read))
        except Stopping:
            raise
        except Exception:  # noqa: BLE001 - a handler may raise anything; it will raise again when it is taken singly
            return 0
        for verdict in verdicts:
            self._note(verdict)
        for (event, _), verdict in zip(read, verdicts, strict=False):
            if verdict.followed:
                self._follow(_stream(event))
        return len(verdicts)

    def settle(self, event: Received, kept: Kept) -> None:
        """Apply an event, then whatever waited for it."""
        if self._applied(event, kept):
            self._follow(_stream(event))

    def park_unreadable(self, kept: Kept, message_id: str | None, reason: str) -> None:
        """Park a message that is no event of ours."""
        self.counts["unreadable"] += 1
        self._patience.for_broker(lambda: self._retries.park(kept, message_id, reason))

    def sweep(self) -> None:
        """Let go on what can by itself, after a crash between two commits for instance, and ask for what is missing."""
        if time.monotonic() >= self._clean_due:
            self._clean_due = time.monotonic() + CLEAN_SECONDS
            if self._upkeep(gaps.clean) == gaps.CLEANED_AT_ONCE:
                self._clean_due = time.monotonic() + CLEAN_MORE_SECONDS
        if time.monotonic() >= self._sweep_due:
            self._sweep_due = time.monotonic() + SWEEP_SECONDS
            streams, asked = self._upkeep(self._look) or ([], 0)
            self.counts["asked"] += asked
            for stream in streams:
                self._follow(stream)

    def _look(self, work: Work) -> tuple[list[Stream], int]:
        return gaps.ready_streams(work), gaps.ask_for_missing(work, self._ask_after)

    def _upkeep(self, step: Callable[[Work], Result]) -> Result | None:
        try:
            with self._database.background(f"{self._service}.inbox") as work:
                return step(work)
        except Unavailable:
            return None
        except Exception as error:  # noqa: BLE001 - upkeep must never keep the service from reading
            log.error("sweep failed", extra={"target": self._service, "fault": type(error).__name__})  # noqa: TRY400 - its text may hold data
            return None

    def _follow(self, stream: Stream) -> None:
        while not self._stopping.is_set():
            self.pulse.beat()
            found = self._patience.for_database(lambda: self._next_of(stream))
            if found is None:
                return
            event_id, kept = found
            try:
                event = kept.read()
            except Unreadable as error:  # by older code it was: it waits for the newer one among what is parked
                self.park_unreadable(kept, str(event_id), error.reason)
                self._block(stream, event_id, sys.maxsize)
                return
            if not self._applied(event, kept):
                return

    def _next_of(self, stream: Stream) -> tuple[UUID, Kept] | None:
        with self._database.background(f"{self._service}.inbox") as work:
            return inbox.next_waiting(work, *stream)

    def _applied(self, event: Received, kept: Kept) -> bool:
        """Try at once, longer where all fail; then hand it to the ladder. Returns whether others wait behind it."""
        error: Exception | None = None
        for pause in self._pauses(event):
            self._patience.sleep(pause)
            try:
                verdict = self._patience.for_database(lambda: self._apply(event, kept))
            except Stopping:
                raise
            except Unfit as unfit:
                self._park(event, kept, unfit)
                return False
            except Exception as failure:  # noqa: BLE001 - a handler may raise anything
                error = failure
            else:
                self._note(verdict)
                return verdict.followed
        self._failed(event, kept, error)
        return False

    def _pauses(self, event: Received) -> Iterator[float]:
        yield from repeat(0.0, TRIES_AT_ONCE)
        self._failing.add(event.subject)
        for pause in PROBES if self.all_fail else ():
            self.pulse.beat()  # it pauses, which `all_fail` tells; it has not stopped
            self.counts["probed"] += 1
            yield pause

    def _note(self, verdict: Verdict) -> None:
        self.counts[verdict.fate.value] += 1
        if verdict.fate is Fate.APPLIED:  # whatever else became of it, no handler ran
            self._failing.clear()

    def _apply(self, event: Received, kept: Kept) -> Verdict:
        with self._database.background(f"{self._service}.inbox", cause=event) as work:
            return inbox.apply(work, event, self._handle, kept=kept)

    def _apply_all(self, read: Sequence[Read]) -> list[Verdict]:
        with self._database.background(f"{self._service}.inbox") as work:
            inbox.look(work, [event for event, _ in read])
            verdicts: list[Verdict] = []
            enough = time.monotonic() + TOGETHER_SECONDS
            for event, kept in read:
                work.cause = event
                verdicts.append(inbox.apply(work, event, self._handle, kept=kept))
                if self._stopping.is_set() or time.monotonic() >= enough:
                    break
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
        self._patience.for_broker(lambda: self._retries.park(kept, str(event.id), unfit.reason))
        log.error("event unfit", extra={"target": self._service, "event_id": str(event.id), "reason": unfit.reason})
        if unfit.blocks:
            self._block(*_place(event))

    def _failed(self, event: Received, kept: Kept, error: Exception | None) -> None:
        name = type(error).__name__
        self.counts["failed"] += 1
        place = self._patience.for_broker(lambda: self._retries.delay(kept, str(event.id), name))
        log.error(
            "event failed", extra={"target": self._service, "event_id": str(event.id), "fault": name, "queue": place}
        )
        self._block(*_place(event))

    def _block(self, stream: Stream, event_id: UUID, sequence: int) -> None:
        """Mark the stream as held up. The event lies in another queue already, so this must not undo that."""
        try:
            self._patience.for_database(lambda: self._mark_blocked(stream, event_id, sequence))
        except Stopping:
            raise
        except Exception as error:  # noqa: BLE001 - unmarked, it is asked for as a gap; a second copy is absorbed
            log.error("stream not marked", extra={"target": self._service, "fault": type(error).__name__})  # noqa: TRY400 - as above

    def _mark_blocked(self, stream: Stream, event_id: UUID, sequence: int) -> None:
        with self._database.background(f"{self._service}.inbox") as work:
            inbox.block(work, stream, event_id, sequence)
            inbox.forget_waiting(work, event_id)

    def nothing_is_held(self) -> None:
        """Hear that neither ladder nor parked queue holds anything: what is said to block a stream is lost, then."""
        with contextlib.suppress(Unavailable), self._database.background(f"{self._service}.inbox") as work:
            gaps.unblock(work, work.now - LOST_AFTER)


def _stream(event: Received) -> Stream:
    return event.source, event.subject, event.audience


def _place(event: Received) -> tuple[Stream, UUID, int]:
    return _stream(event), event.id, event.sequence
