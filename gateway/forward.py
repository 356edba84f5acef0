"""Passes a request to its service and the answer back, unread, under a deadline (architecture.md, trap 4)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import eventlet
from urllib3 import HTTPConnectionPool, HTTPResponse, Timeout
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from chassis.errors import Unauthenticated, Unavailable
from chassis.http import Request, Response, Slots
from chassis.http.headers import bearer, client_address, deadline, may_wait
from chassis.http.places import Bodies
from chassis.identity import TokenVerifier
from chassis.problems import DeadlinePassed
from gateway.limits import Asker, Limits, asker_of, network_of
from gateway.routes import Target

if TYPE_CHECKING:
    from gateway.sessions import Sessions

PASSED_ON = (
    "idempotency-key", "if-match", "if-none-match", "content-type", "accept", "accept-language",
    "last-event-id", "content-disposition",
)  # fmt: skip
# The door writes its own of the last five; the rest concern one connection only (RFC 9110 section 7.6.1).
HELD_BACK = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
    "upgrade", "content-length", "date", "server", "x-request-id", "traceparent",
})  # fmt: skip
COOKIES = "access"  # the one service that reads and sets them
MOST_FORWARDS = 400
CONNECT_SECONDS = 1.0
START_SECONDS = 5.0
SILENCE_SECONDS = 60.0
SMALL = 256 * 1024
PIECE = 65536
PAUSES = (0.05, 0.2)
"""Waits before trying again when nobody listens: a service that restarts is back soon."""


class Backend:
    """The kept-alive connections to one service."""

    def __init__(self, url: str) -> None:
        """Connect on first use."""
        parts = urlsplit(url)
        self.base = f"{parts.scheme}://{parts.netloc}"
        timeout = Timeout(connect=CONNECT_SECONDS, read=None)
        self._pool = HTTPConnectionPool(
            parts.hostname or "127.0.0.1", parts.port, timeout=timeout, maxsize=MOST_FORWARDS
        )

    def ask(
        self, method: str, target: str, *, body: bytes, headers: Mapping[str, str], waits: bool = False
    ) -> HTTPResponse:
        """Send a request and return the answer with its body still unread. Raises Unavailable.

        It is sent again only when it can not have been received, or when a second time changes nothing: one that
        `waits` for events would wait anew, beyond its time and at a second place.
        """
        for pause in (*PAUSES, None):
            try:
                return self._once(method, target, body, headers)
            except (NewConnectionError, ConnectTimeoutError):
                again = pause is not None
            except (HTTPError, OSError):
                again = pause is not None and method == "GET" and not waits
            if not again or pause is None:
                break
            eventlet.sleep(pause)
        raise Unavailable("service.unavailable", "The service behind this is away for the moment.", retry_after=2)

    def _once(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> HTTPResponse:
        answer = self._pool.urlopen(
            method, target, body=body or None, headers=dict(headers), retries=False, redirect=False,
            assert_same_host=False, preload_content=False, decode_content=False, release_conn=False,
        )  # fmt: skip
        if not isinstance(answer, HTTPResponse):
            raise TypeError
        return answer


class Forward:
    """The gateway's endpoint for one operation of a service."""

    def __init__(
        self,
        target: Target,
        *,
        backend: Backend,
        verifier: TokenVerifier,
        sessions: Sessions,
        slots: Slots,
        waiting: Slots,
        limits: Limits,
        bodies: Bodies,
        proxies: int = 0,
    ) -> None:
        """Know the operation and what all of them share; `proxies` is the number of trusted ones before us."""
        self._proxies = proxies
        self._target = target
        self._name = target.name
        self._backend = backend
        self._verifier = verifier
        self._sessions = sessions
        self._endless = target.streams
        self._slots = slots
        self._waiting = waiting
        self._limits = limits
        self._bodies = bodies

    def answer(self, request: Request, values: dict[str, Any]) -> Response:  # noqa: ARG002 - the path goes on as it came
        """Forward one request within the limits of who asks. Raises Refused."""
        request.route, request.oauth = self._name, self._target.oauth
        address = client_address(request.head.headers.get("x-forwarded-for"), request.peer, proxies=self._proxies)
        authorization, asker = self._who(request, address)
        told = self._limits.admit(asker, request.request_id)
        place = self._bodies.take(asker[:2], request.head.headers, self._target.limit)
        try:
            response = self._forwarded(request, address, authorization)
        finally:
            if place is not None:
                place.give()
        self._limits.note(asker, response.status)
        response.headers.extend(told)
        return response

    def _who(self, request: Request, address: str) -> tuple[str | None, Asker]:
        """The Authorization to go on with, and who asks: the caller of a good token, the network on a public route.

        Raises Unauthenticated, and what the look-up of a session refuses.
        """
        network = network_of(address)
        authorization = self._sessions.authorization(request, self._target)
        if self._target.public:
            return authorization, network
        try:
            return authorization, asker_of(self._verifier.verify(bearer(authorization)))
        except Unauthenticated as error:
            self._limits.admit(network, request.request_id)
            self._limits.note(network, error.status)
            raise

    def _forwarded(self, request: Request, address: str, authorization: str | None) -> Response:
        target = self._target
        allowed = target.seconds(request.head.query)
        until = deadline(request.head.headers.get("x-deadline-ms"), request.arrived, allowed)
        body = request.body(target.limit)
        left = START_SECONDS if until is None else until - time.monotonic()
        slots = self._slots_for(request)
        if left <= 0 or not slots.take(left):
            raise DeadlinePassed
        passing: Passing | None = None
        request.waits = slots is self._waiting
        try:
            with eventlet.Timeout(left):
                method = "GET" if request.method == "HEAD" else request.method
                headers = _headers(request, until) | self._identity(request, authorization)
                headers["x-client-address"] = address
                reply = self._backend.ask(method, _address(request), body=body, headers=headers, waits=request.waits)
                passing = self._passing(reply, slots)
                return self._response(reply, passing)
        except eventlet.Timeout:
            raise DeadlinePassed from None
        finally:
            request.waits = False
            self._sessions.forget(target, request.method)
            if passing is None:
                slots.give()

    def _identity(self, request: Request, authorization: str | None) -> dict[str, str]:
        cookie = request.head.headers.get("cookie") if self._target.service == COOKIES else None
        named = {"authorization": authorization, "cookie": cookie}
        return {name: value for name, value in named.items() if value is not None}

    def _slots_for(self, request: Request) -> Slots:
        """Who waits for events takes no place from those who want an answer now."""
        return self._waiting if may_wait(self._target.deadline, request.head.query) else self._slots

    def _passing(self, reply: HTTPResponse, slots: Slots) -> Passing | None:
        length = reply.headers.get("content-length")
        if self._endless or length is None or int(length) > SMALL:
            return Passing(reply, slots)
        return None

    def _response(self, reply: HTTPResponse, passing: Passing | None) -> Response:
        held_back = HELD_BACK if self._target.service == COOKIES else HELD_BACK | {"set-cookie"}
        headers = [(name, value) for name, value in reply.headers.items() if name.lower() not in held_back]
        headers = [
            (name, self._relative(value)) if name.lower() == "location" else (name, value) for name, value in headers
        ]
        if passing is not None and reply.status not in {204, 304}:
            return Response(reply.status, headers, passing, endless=self._endless)
        body = reply.read(decode_content=False)
        reply.release_conn()
        if passing is not None:
            passing.close()
        return Response(reply.status, headers, body)

    def _relative(self, location: str) -> str:
        return location.removeprefix(self._backend.base) or "/"


class Passing:
    """An answer that is passed on piece by piece; it gives its place back when it is closed, read to its end or not."""

    def __init__(self, reply: HTTPResponse, slots: Slots) -> None:
        """Own the reply from now on."""
        self._reply = reply
        self._slots: Slots | None = slots
        self._complete = False

    def __iter__(self) -> Iterator[bytes]:
        """Each piece as soon as it is there; a service that falls silent ends the answer."""
        pieces = self._reply.stream(PIECE, decode_content=False)
        while True:
            with eventlet.Timeout(SILENCE_SECONDS, TimeoutError()):
                piece = next(pieces, None)
            if piece is None:
                self._complete = True
                return
            yield piece

    def close(self) -> None:
        """Keep the connection when all was read, else drop it."""
        slots, self._slots = self._slots, None
        if slots is not None:
            slots.give()
            if self._complete:
                self._reply.release_conn()
            else:
                self._reply.close()


def _address(request: Request) -> str:
    return f"{request.path}?{request.head.query}" if request.head.query else request.path


def _headers(request: Request, until: float | None) -> dict[str, str]:
    given = request.head.headers
    headers = {name: given[name] for name in PASSED_ON if name in given}
    headers["x-request-id"] = request.request_id
    headers["traceparent"] = request.trace
    if until is not None:
        headers["x-deadline-ms"] = str(max(0, int((until - time.monotonic()) * 1000)))
    return headers
