"""Turns a session's cookie into a user token for one request, and refuses changes that no page of ours made.

Access is asked at most every five seconds for a session; whatever a session changes at access is seen at once.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from hmac import compare_digest
from urllib.parse import urlsplit

import eventlet
import orjson

from chassis.errors import NotAllowed, Unavailable
from chassis.http import Request
from chassis.http.headers import cookies
from gateway.forward import Backend
from gateway.routes import Target

COOKIE = "__Host-tukiverkko"
OWNER = "access"
EXCHANGE = "/access/internal/session-token"
EXCHANGE_SECONDS = 3.0
KEPT_SECONDS = 5.0
MOST_KEPT = 10_000
LONGEST_COOKIE = 200
SAFE = frozenset({"GET", "HEAD"})
OK, NOT_FOUND = 200, 404


@dataclass(frozen=True, slots=True)
class Known:
    """What access said about a session, and until when it is believed."""

    token: str
    csrf_token: str
    until: float


class Sessions:
    """The sessions that this gateway has asked about lately, by the hash of their cookie."""

    def __init__(self, backend: Backend, public_url: str) -> None:
        """Ask access behind `backend`; changes must come from pages of `public_url`."""
        self._backend = backend
        self._origin = "{0.scheme}://{0.netloc}".format(urlsplit(public_url))
        self._kept: dict[bytes, Known] = {}
        self._turns = 0

    def authorization(self, request: Request, target: Target) -> str | None:
        """The Authorization header of a request: its own, that of its session, or none for a dead cookie.

        Raises NotAllowed `csrf.refused`, and Unavailable while access is away.
        """
        headers = request.head.headers
        given = headers.get("authorization")
        cookie = cookies(headers.get("cookie")).get(COOKIE)
        if given is not None or not cookie or (target.service == OWNER and target.public):
            return given
        known = self._known(cookie, request) if len(cookie) <= LONGEST_COOKIE else None
        if known is None:
            return None
        if request.method not in SAFE:
            self._check_page(headers.get("origin"), headers.get("x-csrf-token"), known)
        return f"Bearer {known.token}"

    def forget(self, target: Target, method: str) -> None:
        """After a change at access nothing is believed any more: a session may have ended, or been proved anew."""
        if target.service == OWNER and method not in SAFE:
            self._kept.clear()
            self._turns += 1

    def _check_page(self, origin: str | None, csrf_token: str | None, known: Known) -> None:
        fits = csrf_token is not None and compare_digest(csrf_token.encode(), known.csrf_token.encode())
        if origin != self._origin or not fits:
            raise NotAllowed("csrf.refused", "A change needs the headers Origin and X-CSRF-Token of this session.")

    def _known(self, cookie: str, request: Request) -> Known | None:
        digest = hashlib.sha256(cookie.encode()).digest()
        kept = self._kept.get(digest)
        if kept is not None and kept.until > time.monotonic():
            return kept
        turn, known = self._turns, self._asked(cookie, request)
        if known is not None and turn == self._turns:  # else the answer may be older than what ended the session
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[digest] = known
        return known

    def _asked(self, cookie: str, request: Request) -> Known | None:
        until = time.monotonic() + KEPT_SECONDS
        headers = {
            "content-type": "application/json", "x-request-id": request.request_id, "traceparent": request.trace,
        }  # fmt: skip
        try:
            with eventlet.Timeout(EXCHANGE_SECONDS):
                reply = self._backend.ask("POST", EXCHANGE, body=orjson.dumps({"session": cookie}), headers=headers)
                body = reply.read(decode_content=False)
                reply.release_conn()
        except eventlet.Timeout:
            raise _away() from None
        if reply.status == NOT_FOUND:
            return None
        if reply.status != OK:
            raise _away()
        said = orjson.loads(body)
        return Known(said["token"], said["csrf_token"], until)


def _away() -> Unavailable:
    return Unavailable("session.unavailable", "Sessions cannot be looked up for the moment.", retry_after=2)
