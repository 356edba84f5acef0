"""One service's way to the broker: wait for the lock, then publish what waits, oldest first, while it holds.

Nothing here ends the process: a database or broker that is gone is tried again with growing pauses.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

import psycopg

from chassis import envelope
from chassis.link import Link, LinkLost, Outgoing, Receipt
from chassis.relay import store
from chassis.relay.figures import Figures
from chassis.settings import Settings

log = logging.getLogger(__name__)

BATCH = 500
POLL_SECONDS = 0.25
# NOTIFY comes at most every 20 ms from a process. While a few events flow, the relay looks more often and does not wait
# for it; while many flow, it does not, and gathers larger batches instead.
BUSY_POLL_SECONDS = 0.005
BUSY_SECONDS = 0.1
FEW = 3
STANDBY_SECONDS = 1.0
LONGEST_PAUSE = 15.0
LAG_SECONDS = 2.0
CLEAN_SECONDS = 600.0
LONGEST_DEFERRAL = 60.0
REFUSALS_IN_A_ROW = 3


class Lane:
    """The thread of one service."""

    def __init__(self, settings: Settings, service: str, figures: Figures, stop: threading.Event) -> None:
        self._settings = settings
        self._service = service
        self._figures = figures
        self._stop = stop
        self._link: Link | None = None
        self._deferred: dict[
            str, tuple[float, int]
        ] = {}  # routing key: when it is due again, after how many vain tries
        self._broken: set[int] = set()  # rows that cannot be encoded
        self._pause = 0.0
        self._busy_until = 0.0
        self._refusals = 0
        self._lag_due = 0.0
        self._clean_due = time.monotonic() + CLEAN_SECONDS

    def run(self) -> None:
        """Until stopped: hold a database connection and work on it."""
        while not self._stop.is_set():
            try:
                with store.connect(self._settings.database_url(self._service)) as connection:
                    self._figures.note(self._service, database=True)
                    self._stand_by_and_lead(connection)
            except psycopg.Error as error:
                self._trouble("database", error, database=False, leader=False)
            except Exception as error:  # noqa: BLE001 - whatever it is, this lane has to go on
                self._trouble("its own fault", error, leader=False)
        self._close_link()

    def _stand_by_and_lead(self, connection: store.Connection) -> None:
        while not store.try_to_lead(connection):
            self._figures.note(self._service, leader=False)
            if self._stop.wait(STANDBY_SECONDS):
                return
        log.info("relay leads", extra={"target": self._service})
        self._figures.note(self._service, leader=True)
        self._deferred.clear()
        self._broken.clear()
        self._pause = 0.0
        connection.execute("LISTEN outbox")
        while not self._stop.is_set():
            self._look_after(connection)
            if not self._carry(connection):
                self._rest(connection)

    def _carry(self, connection: store.Connection) -> bool:
        """Publish one batch; returns whether more may be waiting."""
        try:
            link = self._ready_link()
            rows = store.oldest(connection, without=self._not_due(), broken=list(self._broken), limit=BATCH)
            messages = self._messages(connection, rows)
            if not messages:
                self._pause = 0.0
                return False
            receipt = link.publish(messages)
        except LinkLost as error:
            self._trouble("broker", error, broker=False)
            return False
        if receipt.confirmed:
            store.mark_published(connection, receipt.confirmed)
        self._note_failed(connection, receipt.returned, "unroutable")
        self._note_failed(connection, receipt.refused, "refused_by_queue")
        self._defer({row["no"]: row["routing_key"] for row in rows}, receipt)
        self._doubt(receipt)
        self._figures.add(self._service, published=len(receipt.confirmed), returned=len(receipt.returned))
        self._figures.note(self._service, broker=True)
        self._pause = 0.0
        self._busy_until = time.monotonic() + BUSY_SECONDS if len(rows) <= FEW else 0.0
        return len(rows) == BATCH

    def _doubt(self, receipt: Receipt) -> None:
        """Open another channel when all is refused round after round: the broker may never lift a channel's refusal."""
        self._refusals = self._refusals + 1 if receipt.refused and not receipt.confirmed else 0
        if self._refusals >= REFUSALS_IN_A_ROW:
            self._refusals = 0
            self._close_link()

    def _messages(self, connection: store.Connection, rows: list[dict[str, Any]]) -> list[Outgoing]:
        messages = []
        for row in rows:
            try:
                messages.append(_message(row, self._service))
            except (TypeError, ValueError, KeyError):
                log.exception(
                    "outbox row cannot be encoded", extra={"target": self._service, "event_id": str(row["id"])}
                )
                self._note_failed(connection, [row["no"]], "not_encodable")
                self._broken.add(row["no"])
        return messages

    def _note_failed(self, connection: store.Connection, numbers: list[int], reason: str) -> None:
        if numbers:
            store.mark_failed(connection, numbers, reason)
            log.error("events not accepted", extra={"target": self._service, "reason": reason, "count": len(numbers)})
            self._figures.add(self._service, failures=len(numbers))

    def _defer(self, keys: Mapping[int, str], receipt: Receipt) -> None:
        """Leave out for a while each routing key of which something was not accepted, however many rows it has."""
        now, vain = time.monotonic(), {keys[number] for number in (*receipt.returned, *receipt.refused)}
        for key in vain | {keys[number] for number in receipt.confirmed}:
            tries = self._deferred.pop(key, (0.0, 0))[1]
            if key in vain:
                self._deferred[key] = now + min(LONGEST_DEFERRAL, 0.5 * 2.0 ** min(tries, 10)), tries + 1

    def _not_due(self) -> list[str]:
        now = time.monotonic()
        return [key for key, (due, _) in self._deferred.items() if due > now]

    def _ready_link(self) -> Link:
        if self._link is None:
            self._link = Link(self._settings.amqp_url(self._service), name=f"relay {self._service}")
        if not self._link.is_open:
            self._link.open()
            self._figures.note(self._service, broker=True, last_error="")
        return self._link

    def _rest(self, connection: store.Connection) -> None:
        """Until something is told, or the poll is due; after trouble with the broker, the pause first."""
        if self._pause:
            self._stop.wait(self._pause)
            return
        busy = time.monotonic() < self._busy_until
        for _ in connection.notifies(timeout=BUSY_POLL_SECONDS if busy else POLL_SECONDS, stop_after=1):
            pass

    def _look_after(self, connection: store.Connection) -> None:
        now = time.monotonic()
        if now >= self._lag_due:
            self._lag_due = now + LAG_SECONDS
            self._figures.note(self._service, **store.lag(connection))
            if self._link is not None and self._link.is_open:
                with contextlib.suppress(LinkLost):  # the next batch opens it again
                    self._link.check()
        if now >= self._clean_due:
            more = store.clean(connection, self._settings.outbox_days) == store.CLEANED_AT_ONCE
            self._broken.clear()  # somebody may have mended them
            self._clean_due = now + (1.0 if more else CLEAN_SECONDS)

    def _trouble(self, where: str, error: Exception, **state: bool) -> None:
        """Note what went wrong and wait a growing while; never the text of an exception, which may hold data."""
        self._pause = min(LONGEST_PAUSE, self._pause * 2 or 0.2)
        reason = error.reason if isinstance(error, LinkLost) else type(error).__name__
        log.warning("relay waits for %s", where, extra={"target": self._service, "reason": reason})
        self._figures.add(self._service, failures=1)
        self._figures.note(self._service, last_error=f"{where}: {reason}", **state)
        if where != "broker":
            self._close_link()
            self._stop.wait(self._pause)

    def _close_link(self) -> None:
        if self._link is not None:
            self._link.close()


def _message(row: dict[str, Any], service: str) -> Outgoing:
    body, headers, properties = envelope.encode(row, source=service)
    # An institution without a grant is no fault, but an event that no service follows is (bus.md section 2).
    mandatory = bool(row["exchange"] == "events")
    return Outgoing(row["no"], row["exchange"], row["routing_key"], body, headers, properties, mandatory)
