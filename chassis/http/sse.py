"""Server-sent events: messages with an id, by which a client goes on where it was (HTML standard, section 9.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chassis.http.messages import Response

MEDIA_TYPE = "text/event-stream"
RETRY = b"retry: 2000\n\n"
LIFE = b":\n\n"
"""A comment: keeps the connection open and tells nothing."""
HEADERS = (
    ("Content-Type", MEDIA_TYPE),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Accel-Buffering", "no"),  # a reverse proxy would keep back what is meant for now
)


def message(number: int, kind: str, body: bytes) -> bytes:
    """One event; `body` has no line end and goes out byte for byte."""
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (number, kind.encode("ascii"), body)


def mark(number: int) -> bytes:
    """Only an id: a client calls no listener for it, but goes on behind it after a reconnect."""
    return b"id: %d\n\n" % number


def stream(pieces: Iterable[bytes]) -> Response:
    """The answer without an end. An empty piece becomes a sign of life."""
    return Response(200, list(HEADERS), _told(pieces))


def _told(pieces: Iterable[bytes]) -> Iterator[bytes]:
    yield RETRY
    for piece in pieces:
        yield piece or LIFE
