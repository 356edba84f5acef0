"""A closed-loop HTTP client for measuring: many kept-alive connections, one thread, little work of its own.

Each connection has one request on its way; bounded in count and time; loopback only.
"""

from __future__ import annotations

import math
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

RECEIVE = 65_536
STUCK_SECONDS = 30.0


@dataclass
class Measured:
    """Latencies in seconds in the order of their ends, statuses counted, and how long the whole took."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    sample: bytes = b""

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """The latency in milliseconds that `share` of the answers did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0


class _Line:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.sent_at = 0.0

    def send(self, request: bytes) -> None:
        self.received = b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def whole(self) -> bool:
        chunk = self.socket.recv(RECEIVE)
        if not chunk:
            raise ConnectionError("the server closed a connection")
        self.received += chunk
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return False
        lower = head.lower()
        at = lower.find(b"content-length:")
        return at < 0 or len(body) >= int(lower[at + 15 :].split(b"\r\n", 1)[0])


def drive(
    port: int, make: Callable[[int], bytes], *, connections: int, count: int, seconds: float = math.inf
) -> Measured:
    """Send `count` requests over `connections` connections; `make(n)` gives the bytes of request n.

    After so many seconds none is sent any more, and those on their way are waited for.
    """
    measured, last = Measured(), time.perf_counter() + seconds
    lines = [_Line(port) for _ in range(min(connections, count))]
    # Lazily: each is made when it is its turn
    requests = (make(number) for number in range(count) if time.perf_counter() < last)
    with selectors.DefaultSelector() as selector:
        began = time.perf_counter()
        sent = 0
        for line, first in zip(lines, requests, strict=False):
            selector.register(line.socket, selectors.EVENT_READ, line)
            line.send(first)
            sent += 1
        while len(measured.latencies) < sent:
            for line in _answered(selector):
                _note(measured, line)
                if (following := next(requests, None)) is not None:
                    line.send(following)
                    sent += 1
        measured.seconds = time.perf_counter() - began
    for line in lines:
        line.socket.close()
    return measured


def request(method: str, path: str, *, headers: dict[str, str], body: bytes = b"") -> bytes:
    """The bytes of one HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _answered(selector: selectors.BaseSelector) -> Iterator[_Line]:
    ready = selector.select(STUCK_SECONDS)
    if not ready:
        raise TimeoutError("no answer for 30 seconds")
    # one after the other, so that each latency ends with its own answer
    yield from (key.data for key, _ in ready if key.data.whole())


def _note(measured: Measured, line: _Line) -> None:
    status = int(line.received[9:12])
    measured.latencies.append(time.perf_counter() - line.sent_at)
    measured.statuses[status] = measured.statuses.get(status, 0) + 1
    if not measured.sample or status >= 400:
        measured.sample = line.received
