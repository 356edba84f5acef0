"""A broker connection whose every call, close included, ends by a deadline, and which publishes in confirmed batches.

Under a memory alarm the broker stops reading: a publish or a close then waits for ever, kept awake by heartbeats, so no
socket timeout fires (architecture.md trap 8). A watchdog therefore shuts the socket down when a call outlives its time;
it works for threads and for green threads alike.
"""

from __future__ import annotations

import contextlib
import fcntl
import struct
import termios
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import amqp
from amqp import spec
from kombu import Connection
from kombu.exceptions import OperationalError

from chassis import addresses

DEADLINE = 10.0
CONNECTING = 4.0
CLOSING = 2.0
HEARTBEAT = 20
BLOCKED = "broker.blocked"

GONE: tuple[type[BaseException], ...] = (amqp.AMQPError, OperationalError, OSError, AttributeError)
"""What a lost broker raises; AttributeError too, because py-amqp forgets its parts while it is being closed."""


class LinkLost(Exception):
    """The broker cannot be used for now; `reason` is a code. What was not confirmed counts as not published."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to publish; `key` is how the caller knows it again."""

    key: int
    exchange: str
    routing_key: str
    body: bytes
    headers: dict[str, Any]
    properties: dict[str, Any]
    mandatory: bool


@dataclass(slots=True)
class Receipt:
    """What became of a batch; a returned message was routed nowhere, a refused one was declined by a queue."""

    confirmed: list[int] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)


class Link:
    """One connection with one channel in confirm mode."""

    def __init__(self, url: str, *, name: str, deadline: float = DEADLINE) -> None:
        self.url = url
        self.name = name
        self.deadline = deadline
        self.blocked = False
        self.connection: Connection | None = None
        self.channel: Any = None
        self._next_tag = 1
        self._waiting: dict[int, int] = {}
        self._keys_by_message: dict[str, int] = {}
        self._returned: set[int] = set()
        self._receipt = Receipt()

    @property
    def is_open(self) -> bool:
        """Whether the last call left the link usable."""
        return self.channel is not None

    def open(self) -> None:
        """Connect; raises LinkLost."""
        self.abandon()
        try:
            self.connection = self._connection()
            self.connection.ensure_connection(max_retries=0)  # one try: whoever calls has pauses of its own
            with self.limit():
                self.channel = self.connection.channel()
                self.channel.confirm_select()
        except GONE as error:
            self.abandon()
            raise LinkLost(type(error).__name__) from error
        self._listen()

    def publish(self, messages: Sequence[Outgoing]) -> Receipt:
        """Publish all, then wait for every confirm together; raises LinkLost when that is not over by the deadline."""
        self._receipt, self._returned = Receipt(), set()
        self._keys_by_message = {message.properties["message_id"]: message.key for message in messages}
        try:
            with self.limit():
                for message in messages:
                    self._send(message)
                while self._waiting:
                    self.listen(1)
        except GONE as error:
            reason = BLOCKED if self.blocked else type(error).__name__
            self.abandon()
            raise LinkLost(reason) from error
        return self._receipt

    def listen(self, seconds: float) -> None:
        """Take one round of what the broker sends, at most for `seconds`; raises what a lost broker raises."""
        try:
            self._require().drain_events(timeout=seconds)
        except TimeoutError:
            self._require().heartbeat_check()

    def gather(self, most: int) -> None:
        """Take what lies in the socket already, at most so many rounds, without waiting for more of them.

        Raises what a lost broker raises.
        """
        with contextlib.suppress(TimeoutError):  # the rest of a message was late: the next round goes on with it
            while most > 0 and self._lies_ready():
                self._require().drain_events(timeout=1)
                most -= 1

    def check(self) -> None:
        """Read what the broker sent meanwhile and keep the heartbeat going; raises LinkLost."""
        try:
            with self.limit():
                with contextlib.suppress(TimeoutError):
                    while True:
                        self._require().drain_events(timeout=0.001)
                self._require().heartbeat_check()
        except GONE as error:
            self.abandon()
            raise LinkLost(type(error).__name__) from error

    def close(self) -> None:
        """Say goodbye if the broker still listens, and be gone after CLOSING seconds in any case."""
        if self.connection is not None and not self.blocked:
            with contextlib.suppress(*GONE), self.limit(CLOSING):
                self.connection.connection.close()
        self.abandon()

    def abandon(self) -> None:
        """Drop the socket without a word; never waits."""
        connection, self.connection, self.channel = self.connection, None, None
        self.blocked = False
        self._waiting.clear()
        if connection is not None:
            with contextlib.suppress(*GONE):
                transport = connection._connection  # noqa: SLF001 - the property would connect again
                if transport is not None:
                    transport.collect()

    @contextlib.contextmanager
    def limit(self, seconds: float | None = None) -> Iterator[None]:
        """Shut the socket down when the block is not over in time; whatever waits in it then raises OSError."""
        watchdog = threading.Timer(seconds or self.deadline, self._cut)
        watchdog.daemon = True
        watchdog.start()
        try:
            yield
        finally:
            watchdog.cancel()

    def _cut(self) -> None:
        connection = self.connection
        with contextlib.suppress(*GONE):
            sock = connection._connection._transport.sock if connection else None  # noqa: SLF001 - see abandon
            if sock is not None:
                sock.shutdown(2)

    def _lies_ready(self) -> bool:
        # Asked of the kernel, and of TLS for what it took out already: to try to read without waiting would not do,
        # because py-amqp turns round and round when a frame is not whole then.
        sock = self._require()._connection.transport.sock  # noqa: SLF001 - the property would connect again
        if getattr(sock, "pending", int)():
            return True
        (length,) = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.FIONREAD, bytes(4)))
        return bool(length)

    def _connection(self) -> Connection:
        options = {
            "client_properties": {"connection_name": self.name},
            "on_blocked": self._on_blocked,
            "on_unblocked": self._on_unblocked,
            "confirm_publish": False,  # confirmed here, all of a batch together
        }
        url, tls = addresses.broker_tls(self.url)
        limit = min(self.deadline, CONNECTING)
        return Connection(url, ssl=tls, connect_timeout=limit, heartbeat=HEARTBEAT, transport_options=options)

    def _listen(self) -> None:
        self._next_tag = 1
        self._waiting.clear()
        self.channel.events["basic_ack"].add(self._on_ack)
        self.channel.events["basic_nack"].add(self._on_nack)
        self.channel.events["basic_return"].add(self._on_return)

    def _require(self) -> Connection:
        if self.connection is None:
            raise LinkLost("broker.not_connected")
        return self.connection

    def _send(self, message: Outgoing) -> None:
        content = amqp.Message(message.body, application_headers=message.headers, **message.properties)
        # Straight to the frame: basic_publish would poll the socket before each message
        arguments = (0, message.exchange, message.routing_key, message.mandatory, False)
        self.channel.send_method(spec.Basic.Publish, "Bssbb", arguments, content)
        self._waiting[self._next_tag] = message.key
        self._next_tag += 1

    def _on_ack(self, tag: int, multiple: bool) -> None:  # noqa: FBT001 - py-amqp's call
        for key in self._settled(tag, multiple):
            (self._receipt.returned if key in self._returned else self._receipt.confirmed).append(key)

    def _on_nack(self, tag: int, multiple: bool) -> None:  # noqa: FBT001 - py-amqp's call
        self._receipt.refused.extend(self._settled(tag, multiple))

    def _on_return(self, _error: Exception, _exchange: str, _routing_key: str, message: Any) -> None:
        self._returned.add(self._keys_by_message[message.properties["message_id"]])

    def _settled(self, tag: int, multiple: bool) -> list[int]:  # noqa: FBT001 - as the broker says it
        if not multiple:
            key = self._waiting.pop(tag, None)
            return [] if key is None else [key]
        tags = [waiting for waiting in self._waiting if waiting <= tag]
        return [self._waiting.pop(waiting) for waiting in tags]

    def _on_blocked(self, _reason: str) -> None:
        self.blocked = True

    def _on_unblocked(self) -> None:
        self.blocked = False
