"""How a page asks a service: by HTTP like everybody, within the limits of the network that asked for the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import eventlet
import orjson

from chassis.errors import Unavailable
from chassis.http import Request, Slots
from chassis.http.headers import client_address
from chassis.problems import DeadlinePassed
from gateway.forward import Backend
from gateway.limits import Asker, Limits, network_of

SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Said:
    """What a service answered."""

    status: int
    value: dict[str, Any]

    @property
    def fine(self) -> bool:
        """Whether it was done."""
        return self.status < 300  # noqa: PLR2004 - the border of success in HTTP


class Asking:
    """One service, as pages ask it."""

    def __init__(self, backend: Backend, *, slots: Slots, limits: Limits, proxies: int) -> None:
        """Share places and limits with what is forwarded."""
        self._backend = backend
        self._slots = slots
        self._limits = limits
        self._proxies = proxies

    def admit(self, request: Request) -> Asker:
        """Count a request for a page. Raises TooManyRequests."""
        asker = network_of(self._address(request))
        self._limits.admit(asker, request.request_id)
        return asker

    def note(self, asker: Asker, status: int) -> None:
        """Count an answer, if it is one that guessing brings."""
        self._limits.note(asker, status)

    def ask(self, request: Request, path: str, body: dict[str, Any]) -> Said:
        """Send a question and read the answer. Raises Unavailable, DeadlinePassed."""
        if not self._slots.take(SECONDS):
            raise DeadlinePassed
        try:
            with eventlet.Timeout(SECONDS):
                return self._asked(request, path, body)
        except eventlet.Timeout:
            raise DeadlinePassed from None
        finally:
            self._slots.give()

    def _asked(self, request: Request, path: str, body: dict[str, Any]) -> Said:
        headers = {
            "content-type": "application/json",
            "x-request-id": request.request_id,
            "traceparent": request.trace,
            "x-deadline-ms": str(int(SECONDS * 1000)),
            "x-client-address": self._address(request),
        }
        reply = self._backend.ask("POST", path, body=orjson.dumps(body), headers=headers)
        raw = reply.read(decode_content=False)
        reply.release_conn()
        if reply.status >= 500:  # noqa: PLR2004 - faults of the service
            raise Unavailable("service.unavailable", "The service behind this is away for the moment.", retry_after=2)
        return Said(reply.status, orjson.loads(raw))

    def _address(self, request: Request) -> str:
        forwarded = request.head.headers.get("x-forwarded-for")
        return client_address(forwarded, request.peer, proxies=self._proxies)
