"""Reads one service's queue: decode, have it settled, acknowledge after the commit; reconnect after any trouble."""

from __future__ import annotations

import datetime as dt
import logging
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

from chassis import topology
from chassis.envelope import Received, Unreadable
from chassis.inbox import Kept
from chassis.link import GONE, HEARTBEAT, Link, LinkLost
from chassis.patience import LONGEST_PAUSE, Stopping
from chassis.pulse import Pulse
from chassis.retry import Retries
from chassis.settings import Settings
from chassis.settling import Settler

if TYPE_CHECKING:
    from chassis.db import Database, Work

log = logging.getLogger(__name__)

PREFETCH = 50
TOGETHER = 40
WAIT_SECONDS = 0.25
PROBE_SECONDS = 15.0
EMPTY_PROBES = 3
SUSPECT, GIVEN_UP = 3, 30
"""Deliveries from which on a message is taken alone, and from which on it is parked; below the broker's own limit."""


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
        self._service = service
        self._nouns = sorted(nouns)
        self._link = Link(url, name=f"{service} events")
        self._retries = Retries(Link(url, name=f"{service} retries"), service)
        self._buffer: deque[Any] = deque()
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._ended.set()
        self._settler = Settler(
            database,
            self._retries,
            service=service,
            dispatch=dispatch,
            ask_after=dt.timedelta(seconds=settings.ask_after_seconds),
            stopping=self._stopping,
        )
        self._busy = False
        self._singly = 0
        self._pause = 0.0
        self._probe_due = 0.0
        self._waiting_before: int | None = None
        self._empty_probes = 0

    @property
    def connected(self) -> bool:
        """Whether it reads from the broker now."""
        return self._link.is_open

    @property
    def counts(self) -> Counter[str]:
        """What became of the events so far."""
        return self._settler.counts

    @property
    def pulse(self) -> Pulse:
        """When it last went round."""
        return self._settler.pulse

    @property
    def trouble(self) -> str | None:
        """Why it takes no events at the moment, or applies none, as a code; None when all is well."""
        if self.pulse.is_still:
            return "stalled"
        if not self.connected:
            return "unavailable"
        return "all_fail" if self._settler.all_fail else None

    def run(self) -> None:
        """Until stopped: connect, declare, read; after trouble again, with growing pauses."""
        self._ended.clear()
        threading.Thread(target=self._beat, name=f"{self._service}-heartbeat", daemon=True).start()
        try:
            while not self._stopping.is_set():
                try:
                    self._connect()
                    self._read()
                except Stopping:
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
        self._singly = 0
        self._link.open()
        try:
            with self._link.limit():
                topology.declare_service(self._link.connection, self._service, self._nouns)
            self._clear_the_head()
            with self._link.limit():
                self._link.channel.basic_qos(0, PREFETCH, a_global=False)
                self._link.channel.basic_consume(topology.queue_name(self._service), callback=self._buffer.append)
        except GONE as error:
            self._link.abandon()
            raise LinkLost(type(error).__name__) from error
        self._probe_due, self._waiting_before = time.monotonic() + PROBE_SECONDS, None
        log.info("consumer reads", extra={"target": self._service})

    def _read(self) -> None:
        while not self._stopping.is_set():
            self.pulse.beat()
            if not self._buffer:
                self._link.listen(WAIT_SECONDS)
            # py-amqp gives one message a round; what piled up behind it in the socket can be settled together
            self._link.gather(TOGETHER - len(self._buffer))
            if self._buffer:
                if len(self._buffer) == 1 or self._singly or not self._take_together():
                    self._singly = max(0, self._singly - 1)
                    self._take(self._buffer.popleft())
                self._pause, self._waiting_before = 0.0, None
            self._busy = True
            self._settler.sweep()
            self._busy = False
            if time.monotonic() >= self._probe_due and not self._buffer:
                self._probe()

    def _take_together(self) -> bool:
        """Settle what has piled up in one go; False, with nothing done, when one of it needs to be taken singly."""
        messages = list(islice(self._buffer, TOGETHER))
        self._busy = True
        try:
            done = self._settler.settle_together([(kept.read(), kept) for kept in map(_kept, messages)])
        except Unreadable:
            done = 0
        finally:
            self._busy = False
        if not done:
            self._singly = len(messages)  # else the failing one would undo the work of all before it, time and again
            return False
        for _ in range(done):
            self._buffer.popleft()
        with self._link.limit():
            self._link.channel.basic_ack(messages[done - 1].delivery_tag, multiple=True)
        return True

    def _take(self, message: Any) -> None:
        kept = _kept(message)
        self._busy = True
        try:
            try:
                event = kept.read()
            except Unreadable as error:
                self._settler.park_unreadable(kept, message.properties.get("message_id"), error.reason)
            else:
                (self._settler.give_up if _deliveries(message) >= GIVEN_UP else self._settler.settle)(event, kept)
            self._busy = False
            with self._link.limit():
                self._link.channel.basic_ack(message.delivery_tag)
        except BaseException:
            self._buffer.appendleft(message)  # not acknowledged: it is given back, or comes again
            raise
        finally:
            self._busy = False

    def _probe(self) -> None:
        """Ask the broker whether it still knows this consumer: one that was dropped unnoticed would wait for ever.

        Raises LinkLost when it does not, or when messages have waited since the last probe and none was given.
        """
        self._probe_due = time.monotonic() + PROBE_SECONDS
        with self._link.limit():
            waiting, consumers = topology.seen(self._link.channel, topology.queue_name(self._service))
        if self._buffer:  # given while the broker answered
            return
        if consumers == 0:
            raise LinkLost("consumer.forgotten")
        if waiting and self._waiting_before:
            raise LinkLost("consumer.starved")
        self._waiting_before = waiting
        self._look_for_the_lost(waiting)

    def _look_for_the_lost(self, waiting: int) -> None:
        """Notice, with some patience, that no queue of the service holds anything, so nothing there blocks a stream."""
        with self._link.limit():
            elsewhere = (topology.seen(self._link.channel, name)[0] for name in topology.side_queues(self._service))
            self._empty_probes = self._empty_probes + 1 if waiting == sum(elsewhere) == 0 else 0
        if self._empty_probes >= EMPTY_PROBES:
            self._settler.nothing_is_held()

    def _clear_the_head(self) -> None:
        """Take alone what came back again and again, before anything else is given.

        An event that kills the process would take those beside it along: with every death their deliveries count too.
        """
        while not self._stopping.is_set():
            with self._link.limit():
                message = self._link.channel.basic_get(topology.queue_name(self._service))
            if message is None:
                return
            self._take(message)
            if _deliveries(message) < SUSPECT:
                return

    def _rest(self, error: Exception) -> None:
        self._pause = min(LONGEST_PAUSE, self._pause * 2 or 0.25)
        reason = error.reason if isinstance(error, LinkLost) else type(error).__name__
        log.warning("consumer waits", extra={"target": self._service, "reason": reason})
        self._link.abandon()
        self.pulse.beat()
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


def _deliveries(message: Any) -> int:
    """How often the message was given to somebody before this time, as a quorum queue counts it."""
    count = (message.properties.get("application_headers") or {}).get("x-delivery-count", 0)
    return count if isinstance(count, int) else 0


def _kept(message: Any) -> Kept:
    body, properties = message.body, message.properties
    raw = body.encode() if isinstance(body, str) else bytes(body)
    return Kept(
        raw,
        properties.get("application_headers") or {},
        properties.get("content_type") or "",
        properties.get("content_encoding") or "",
    )
