"""The hardened web server of every process: nameko's WebServer, its eight known faults cured (architecture.md, trap 5).

nameko stops the web server last, after the dependencies; here the first entrypoint that is stopped closes the
listener, so that nothing new comes in while the running requests finish.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import eventlet
from eventlet.event import Event
from nameko.web.server import WebServer

from chassis import health
from chassis.errors import Refused
from chassis.http.connection import BODY, HEAD, IDLE, WRITE, Connection
from chassis.http.messages import Request, Response
from chassis.http.places import CROWDED, MOST_WAITING, MOST_WAITING_EACH, Bodies, Shares, Slots
from chassis.http.reading import Disconnected
from chassis.http.table import Table
from chassis.identity import TokenVerifier
from chassis.oauth import oauth_error_of, oauth_fault
from chassis.problems import fault_of, problem_of
from chassis.standing import Follower
from chassis.tracing import emit, log_fault

MOST_CONNECTIONS = 2000
BACKLOG = 1024
READ_SECONDS = 10.0
IDLE_SECONDS = 75.0
WRITE_SECONDS = 30.0
DRAIN_SECONDS = 8.0


class Endpoint(Protocol):
    """Whatever can answer a request: a service's route, a forward of the gateway, a probe."""

    def answer(self, request: Request, values: dict[str, Any]) -> Response:
        """Return the response, or raise Refused."""


class Door(WebServer):
    """Listener, connections, endpoints and the graceful end."""

    def __init__(self, guard: Callable[[Any], Mapping[str, str]] | None = None) -> None:
        """Start with nothing; `start` listens.

        `guard` makes of the settings the headers that every answer carries unless it has its own.
        """
        super().__init__()
        self._guard_of = guard
        self.guard: tuple[tuple[str, str], ...] = ()
        self.table: Table[Endpoint] = Table()
        self.connections: set[Connection] = set()
        self.stopping = False
        self._starting = False
        self._drained: Event | None = None
        self._verifier: TokenVerifier | None = None
        self._limits: dict[str, float] = {}
        self._watching: Any = None
        self._waiting: Slots | None = None
        self._shares: Shares | None = None
        self.bodies = Bodies()

    @property
    def verifier(self) -> TokenVerifier:
        """The verifier of access tokens, made on first use."""
        if self._verifier is None:
            config = self.container.config
            self._verifier = config.get("verifier") or TokenVerifier(config["settings"])
        return self._verifier

    @property
    def waiting(self) -> Slots:
        """The places of those who wait for events: apart from the workers', and never more."""
        if self._waiting is None:
            self._waiting = Slots(int(self.container.config.get("most_waiting", MOST_WAITING)), 0, full=CROWDED)
        return self._waiting

    @property
    def shares(self) -> Shares:
        """The same places among the organisations, made on first use."""
        if self._shares is None:
            most = int(self.container.config.get("most_waiting_each", MOST_WAITING_EACH))
            self._shares = Shares(self.waiting, most)
        return self._shares

    def start(self) -> None:
        """Listen on the address of the configuration and answer from now on."""
        if self._starting:
            return
        self._starting = True
        read = float(self.container.config.get("read_seconds", READ_SECONDS))
        if self._guard_of is not None:
            self.guard = tuple(self._guard_of(self.container.config["settings"]).items())
        self._limits = {HEAD: read, BODY: read, IDLE: IDLE_SECONDS, WRITE: WRITE_SECONDS}
        self._fill_table()
        # reuse_port would let a forgotten old process take half of the requests (runtime.md section 1)
        self._sock = eventlet.listen(tuple(self.bind_addr), backlog=BACKLOG, reuse_port=False)
        self._sock.settimeout(None)
        health.gauge("http_requests_in_flight", "Requests that are being answered", self._in_flight)
        health.gauge("http_requests_waiting", "Requests that wait for events and hold no worker", self.waiting.taken)
        self._gt = self.container.spawn_managed_thread(self.run)
        self._watching = self.container.spawn_managed_thread(self._watch)
        if "verifier" not in self.container.config:
            follower = Follower(self.container.config["settings"], self.verifier)
            health.gauge("access_copy_age_seconds", "Age of the copy of keys and revocations", follower.age)
            follower.start()

    def _fill_table(self) -> None:
        for path, page in health.pages(self.ready).items():
            self.table.add("GET", path, page)
        for provider in self._providers:
            for method, template, endpoint in provider.endpoints():
                self.table.add(method, template, endpoint)

    def ready(self) -> bool:
        """Whether new work is welcome."""
        return not self.stopping

    def run(self) -> None:
        """Accept connections until the listener is closed."""
        while not self.stopping:
            try:
                sock, _address = self._sock.accept()
            except OSError as error:
                if not self.ready():
                    return
                # Out of file descriptors, or a client that left already: go on, but not in a tight circle.
                log_fault("accept.fault", error)
                eventlet.sleep(0.1)
                continue
            if len(self.connections) >= MOST_CONNECTIONS:
                sock.close()
                continue
            self._take(sock)

    def answer(self, request: Request) -> Response:
        """Have a request answered; every refusal and every fault becomes a problem, nothing else goes out."""
        try:
            endpoint, values = self.table.find(request.method, request.path)
            return endpoint.answer(request, values)
        except Refused as error:
            return self.refusal(error, request)
        except Disconnected:
            raise
        except Exception as error:  # noqa: BLE001 - the last fence: the caller learns the request id only
            return self.fault(error, request)

    def refusal(self, error: Refused, request: Request) -> Response:
        """The problem that a refusal becomes."""
        return _as_response(oauth_error_of(error) if request.oauth else problem_of(error, request.request_id))

    def fault(self, error: Exception, request: Request) -> Response:
        """The problem that a fault of ours becomes; what happened is logged, without values."""
        log_fault("request.fault", error, request_id=request.request_id, route=request.route)
        return _as_response(oauth_fault() if request.oauth else fault_of(request.request_id))

    def note(self, request: Request, status: int) -> None:
        """Count an answer and write its line; probes are counted nowhere, they would drown the rest."""
        if request.route == health.ROUTE:
            return
        seconds = time.monotonic() - request.arrived
        health.count(request.route, request.method, status, seconds)
        emit(
            {
                "level": "info",
                "event": "request",
                "request_id": request.request_id,
                "trace_id": request.trace[3:35],
                "method": request.method,
                "route": request.route,
                "status": status,
                "ms": round(seconds * 1000, 2),
            }
        )

    def drain(self) -> None:
        """Close the listener and wait until what is running has been answered; the first caller does it."""
        if self._drained is not None:
            self._drained.wait()
            return
        self._drained = Event()
        self.stopping = True
        if self._sock is not None:
            self._sock.close()
            self._gt.kill()
        end = time.monotonic() + float(self.container.config.get("drain_seconds", DRAIN_SECONDS))
        self._finish_connections(end)
        if self._watching is not None:
            self._watching.kill()
        self._drained.send(None)

    def stop(self) -> None:
        """The end of the extension; most was done by `drain` already."""
        self.drain()
        self.wait_for_providers()

    def kill(self) -> None:
        """End without grace."""
        self.stopping = True
        if self._sock is not None:
            self._sock.close()

    def _finish_connections(self, end: float) -> None:
        while self.connections and time.monotonic() < end:
            for connection in tuple(self.connections):
                connection.stop()
            eventlet.sleep(0.02)
        for connection in tuple(self.connections):
            connection.thread.kill()

    def _in_flight(self) -> float:
        return sum(connection.phase != IDLE for connection in self.connections)

    def _take(self, sock: Any) -> None:
        sock.setsockopt(6, 1, 1)  # TCP_NODELAY: answers are written in one piece
        connection = Connection(sock, self)
        self.connections.add(connection)
        connection.thread = eventlet.spawn(self._live, connection)

    def _live(self, connection: Connection) -> None:
        try:
            connection.serve()
        finally:
            self.connections.discard(connection)

    def _watch(self) -> None:
        pause = min(1.0, self._limits[HEAD] / 4)
        while True:
            eventlet.sleep(pause)
            now = time.monotonic()
            for connection in tuple(self.connections):
                limit = self._limits.get(connection.phase)
                if limit is not None and now - connection.since > limit:
                    connection.give_up()
                else:
                    connection.leave()


def _as_response(problem: Any) -> Response:
    return Response(problem.status, list(problem.headers), problem.body)
