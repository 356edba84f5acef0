"""What the door hands round: the head of a request, the request itself, and a response."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from chassis.tracing import accept_trace

_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch


@dataclass(slots=True)
class Head:
    """Request line and headers as they came: names in lower case, the path still percent-encoded."""

    method: str
    path: str
    query: str
    modern: bool  # HTTP/1.1
    headers: dict[str, str]

    @property
    def keeps_alive(self) -> bool:
        """Whether the client wants to use the connection again."""
        wish = self.headers.get("connection")
        if wish is None:
            return self.modern
        return "close" not in wish.lower() if self.modern else "keep-alive" in wish.lower()

    @property
    def has_body(self) -> bool:
        """Whether a body follows the head."""
        return "transfer-encoding" in self.headers or self.headers.get("content-length", "0") != "0"


class Request:
    """One request at the door; the body is read only when somebody asks for it."""

    __slots__ = (
        "arrived", "body_read", "head", "method", "oauth", "path", "peer", "read", "request_id", "route", "trace",
        "waits",
    )  # fmt: skip

    def __init__(self, head: Head, read: Callable[[int], bytes], arrived: float, peer: str = "") -> None:
        """Take the caller's request id when it is a sane token, else make one; go on with its trace.

        `peer` is the network address at the other end of the connection.
        """
        self.head = head
        self.method = head.method
        self.path = head.path
        self.read = read
        self.arrived = arrived
        self.peer = peer
        self.body_read = not head.has_body
        self.route = "-"
        self.oauth = False  # whether a refusal is said as RFC 6749 has it
        self.waits = False  # for an event, holding nothing; such a request is ended when the process stops
        given = head.headers.get("x-request-id")
        self.request_id = given if given and _SANE(given) else uuid.uuid4().hex
        self.trace = accept_trace(head.headers.get("traceparent"))

    def body(self, limit: int) -> bytes:
        """Read the whole body; raises TooLarge before more than `limit` bytes are kept."""
        if self.body_read:
            return b""
        raw = self.read(limit)
        self.body_read = True
        return raw


@dataclass(slots=True)
class Response:
    """An answer: `body` is bytes, or an iterable of bytes that is sent piece by piece as it comes.

    `endless` streams are ended when the process stops; others are allowed to finish.
    """

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | Iterable[bytes] = b""
    endless: bool = False
