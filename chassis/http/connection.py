"""One client connection: reads requests, has them answered, writes the answers, and is watched in every phase.

Nothing here waits without a limit: a watcher (door.py) looks at `phase` and `since` of all connections, so that a
slow client costs one comparison in a while and a fast one costs nothing.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, BinaryIO

import eventlet
from greenlet import GreenletExit

from chassis.errors import Refused, Unavailable
from chassis.http.date import date
from chassis.http.messages import Head, Request, Response
from chassis.http.reading import Disconnected, read_body, read_head
from chassis.problems import TooSlow
from chassis.tracing import log_fault

if TYPE_CHECKING:
    from chassis.http.door import Door

IDLE, HEAD, BODY, WORK, WRITE, STREAM = "idle", "head", "body", "work", "write", "stream"
SMALL_REST = 65536
LINGER_SECONDS = 1.0
LINGER_BYTES = 1 << 20
SHUT_RD = 0
SHUT_WR = 1
_REASONS = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
OK = 200
FAULT = 500
_BODYLESS = frozenset({204, 304})
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection:
    """The life of one socket, in one green thread."""

    __slots__ = ("asked", "door", "endless", "peer", "phase", "since", "sock", "source", "thread", "too_slow", "unread")

    def __init__(self, sock: Any, door: Door) -> None:
        """Take over an accepted socket."""
        self.sock = sock
        self.door = door
        self.source: BinaryIO = sock.makefile("rb", 16384)
        self.peer = _peer_of(sock)
        self.phase = HEAD
        self.since = time.monotonic()
        self.too_slow = False
        self.endless = False
        self.unread = False
        self.thread: Any = None
        self.asked: Request | None = None

    def serve(self) -> None:
        """Answer requests until one side has had enough; never raises."""
        try:
            while self._one():
                self._enter(IDLE)
        except (OSError, Disconnected, GreenletExit):
            pass
        except Exception as error:  # noqa: BLE001 - a broken connection must not end the process
            log_fault("connection.fault", error)
        finally:
            self._close()

    def give_up(self) -> None:
        """Called by the watcher: end a phase that took too long."""
        self.too_slow = True
        self._shutdown(2 if self.phase in {WRITE, STREAM} else SHUT_RD)

    def leave(self) -> None:
        """Called by the watcher: end a wait whose client has left, which nobody would notice before the next write."""
        asked = self.asked if self.asked is not None and self.asked.waits else None
        if (asked or (self.phase == STREAM and self.endless)) and self._left():
            if asked:
                self.door.note(asked, OK)  # nobody is there for an answer, and nothing went wrong: as with a stream
            self.thread.kill()

    def stop(self) -> None:
        """Called when the process stops: idle connections, endless streams and waiting end now, work goes on."""
        if self.phase == IDLE:
            self._shutdown(SHUT_RD)
        elif self.phase == STREAM and self.endless:
            self.thread.kill()
        elif self.asked is not None and self.asked.waits:
            self.asked.waits = False
            self.thread.kill(Unavailable("process.stopping", "The process is stopping.", retry_after=1))

    def _one(self) -> bool:
        if not self.source.peek(1):  # type: ignore[attr-defined]  # makefile("rb") is a BufferedReader
            if self.too_slow and self.phase == HEAD:
                self._refuse(TooSlow())
            return False
        self._enter(HEAD)
        try:
            head = read_head(self.source)
        except Disconnected:
            if self.too_slow:
                self._refuse(TooSlow())
            return False
        except Refused as error:
            self._refuse(error)
            return False
        self._enter(WORK)
        request = self.asked = Request(head, self._reader(head), time.monotonic(), self.peer)
        response = self.door.answer(request)
        keep = self._settle(request) and head.keeps_alive and not self.door.stopping
        try:
            return self._send(request, response, keep=keep)
        finally:
            self.door.note(request, response.status)  # also of a stream whose client left

    def _reader(self, head: Head) -> Callable[[int], bytes]:
        def read(limit: int) -> bytes:
            self._enter(BODY)
            try:
                # An early refusal by length must come before the client is told to go on.
                if head.headers.get("expect", "").lower() == "100-continue" and _fits(head, limit):
                    self.sock.sendall(_CONTINUE)
                return read_body(self.source, head, limit)
            except Disconnected:
                if self.too_slow:
                    raise TooSlow from None
                raise
            finally:
                self._enter(WORK)

        return read

    def _settle(self, request: Request) -> bool:
        """Bring the connection to the end of the request; False when it can not be used again."""
        if request.body_read:
            return True
        length = int(request.head.headers.get("content-length", SMALL_REST + 1))
        if length > SMALL_REST or self.too_slow or "expect" in request.head.headers:
            self.unread = True
            return False
        try:
            request.body(SMALL_REST)
        except (Refused, Disconnected):
            self.unread = True
            return False
        return True

    def _send(self, request: Request, response: Response, *, keep: bool) -> bool:
        """Write the answer; False when the connection can not be used again."""
        try:
            return self._write(request, response, keep=keep)
        finally:
            # A stream gives back what it holds, whether it was read to its end or not at all.
            getattr(response.body, "close", _nothing)()

    def _write(self, request: Request, response: Response, *, keep: bool) -> bool:
        self._enter(WRITE)
        body = response.body
        chunked = not isinstance(body, bytes) and request.head.modern and response.status not in _BODYLESS
        keep = keep and (isinstance(body, bytes) or chunked)
        try:
            top = self._top(request, response, keep=keep, chunked=chunked)
        except ValueError as error:
            if response.status == FAULT:
                raise
            return self._write(request, self.door.fault(error, request), keep=False)
        silent = request.method == "HEAD" or response.status in _BODYLESS
        if isinstance(body, bytes):
            self.sock.sendall(top if silent else top + body)
            return keep
        self.sock.sendall(top)
        if not silent:
            self._stream(body, endless=response.endless, chunked=chunked)
        return keep

    def _top(self, request: Request, response: Response, *, keep: bool, chunked: bool) -> bytes:
        headers = response.headers
        lines = [f"{name}: {value}\r\n" for name, value in headers]
        lines.extend(self._guard(headers))
        if isinstance(response.body, bytes) and response.status not in _BODYLESS:
            lines.append(f"Content-Length: {len(response.body)}\r\n")
        elif chunked:
            lines.append("Transfer-Encoding: chunked\r\n")
        lines.append(f"Date: {date()}\r\nX-Request-Id: {request.request_id}\r\ntraceparent: {request.trace}\r\n")
        if not keep:
            lines.append("Connection: close\r\n")
        elif not request.head.modern:
            lines.append("Connection: keep-alive\r\n")
        text = "".join(lines)
        # A line end that came in with a value would be a header of the client's choice.
        ends = len(lines) + 2  # the line of date, request id and trace has three
        if text.count("\n") != ends or text.count("\r") != ends:
            message = "a header value has a line end"
            raise ValueError(message)
        status = _REASONS.get(response.status) or f"HTTP/1.1 {response.status} Unknown\r\n"
        return f"{status}{text}\r\n".encode("latin-1")

    def _guard(self, headers: list[tuple[str, str]]) -> list[str]:
        if not self.door.guard:
            return []
        given = {name.lower() for name, _ in headers}
        return [f"{name}: {value}\r\n" for name, value in self.door.guard if name.lower() not in given]

    def _stream(self, body: Any, *, endless: bool, chunked: bool) -> None:
        self.endless = endless
        try:
            self._enter(STREAM)
            for piece in body:
                if piece:
                    self._enter(WRITE)
                    self.sock.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                    self._enter(STREAM)
        except GreenletExit:
            if not endless:
                raise
        finally:
            self.endless = False
        self._enter(WRITE)
        if chunked:
            self.sock.sendall(b"0\r\n\r\n")

    def _refuse(self, error: Refused) -> None:
        """Answer what never became a request."""
        self.unread = True
        request = Request(Head("GET", "/", "", True, {}), lambda _limit: b"", time.monotonic())  # noqa: FBT003 -- the signature is not ours
        self._send(request, self.door.refusal(error, request), keep=False)
        self.door.note(request, error.status)

    def _left(self) -> bool:
        try:
            return not self.sock.fd.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _enter(self, phase: str) -> None:
        self.phase = phase
        self.since = time.monotonic()

    def _shutdown(self, how: int) -> None:
        with suppress(OSError):
            self.sock.shutdown(how)

    def _close(self) -> None:
        if self.unread:
            self._linger()
        with suppress(OSError):
            self.source.close()
            self._shutdown(2)
            self.sock.close()

    def _linger(self) -> None:
        # Closing with unread bytes resets the connection, and the client may never see the answer.
        self._shutdown(SHUT_WR)
        left = LINGER_BYTES
        with eventlet.Timeout(LINGER_SECONDS, False):  # noqa: FBT003 -- the signature is not ours
            try:
                while left > 0 and (piece := self.sock.recv(65536)):
                    left -= len(piece)
            except OSError:
                return


def _nothing() -> None:
    """Bytes hold nothing that wants to be given back."""


def _peer_of(sock: Any) -> str:
    try:
        return str(sock.getpeername()[0])
    except OSError:
        return ""  # it has left already


def _fits(head: Head, limit: int) -> bool:
    return int(head.headers.get("content-length", "0")) <= limit
