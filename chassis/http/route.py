"""The `route` decorator: one line over a service's method says everything the door and the specification need."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from eventlet.event import Event
from marshmallow import Schema
from nameko.exceptions import ConfigurationError, ContainerBeingKilled
from nameko.extensions import register_entrypoint
from nameko.web.handlers import HttpRequestHandler

from chassis import fhir, providers, refusals
from chassis.errors import NotAllowed, Refused, Unavailable
from chassis.http.answers import answer_of
from chassis.http.door import Door, Endpoint
from chassis.http.headers import (
    DEADLINES,
    allowed_seconds,
    bearer,
    client_address,
    cookies,
    deadline,
    expected_version,
    file_name,
    idempotency_key,
    known_versions,
    last_seen,
    may_wait,
)
from chassis.http.loading import load_body, load_query
from chassis.http.messages import Request, Response
from chassis.http.places import Held, Slots
from chassis.identity import Caller
from chassis.policy import Policy, policy_of
from chassis.problems import DeadlinePassed
from chassis.requests import Call, Later

MIB = 1 << 20
JSON = "application/json"
STREAM_START_SECONDS = 5.0
QUEUE_PER_WORKER = 2
PIECE = 65536
Method = TypeVar("Method", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that is known of a route before any request: made once, read by the door and by the specification."""

    method: str
    path: str
    operation: str
    summary: str
    public: bool = False
    internal: bool = False
    body: Schema | None = None
    query: Schema | None = None
    answers: Schema | None = None
    many: bool = False
    beside: Mapping[str, Schema] = field(default_factory=dict)
    status: int = 200
    changes: bool = False
    needs_version: bool = False
    limit: int = MIB
    reads: tuple[str, ...] = (JSON,)
    unread: bool = False
    raw: bool = False
    gives: str = JSON
    large: bool = False
    deadline: str = "normal"
    example: Any = None
    description: str = ""
    tag: str = ""
    refuses: tuple[type[Refused], ...] = ()
    oauth: bool = False

    @property
    def name(self) -> str:
        """Method and template, as in logs, metrics and idempotency scopes."""
        return f"{self.method} {self.path}"

    @property
    def streams(self) -> bool:
        """Whether its answer has no end."""
        return self.deadline == "stream"

    @property
    def fhir(self) -> bool:
        """Whether it speaks FHIR: weak entity tags, OperationOutcome, Prefer."""
        return fhir.spoken_at(self.path)

    def seconds(self, query: str) -> float | None:
        """The time limit of its deadline class for a request with this query string."""
        return allowed_seconds(self.deadline, query)


class Route(HttpRequestHandler):
    """nameko's HTTP entrypoint behind our door; each request runs in one nameko worker."""

    server = Door()
    answers_for_itself = True  # read by chassis.tracing: the door reports faults, nameko need not

    def __init__(self, plan: Plan) -> None:
        """Keep the plan; nameko binds a copy of this to each container."""
        self.plan = plan
        self._route = plan.name
        self._roles: frozenset[str] = frozenset()
        self._policy = Policy()
        self._slots: Slots | None = None
        super().__init__(plan.method, plan.path)

    def setup(self) -> None:
        """Look up who may call this, once. Raises ConfigurationError for an operation nobody declared."""
        service = self.container.service_cls
        self._policy = policy_of(service)
        operations = self._policy.operations()
        if not self.plan.public and self.plan.operation not in operations:
            message = f"{service.__name__}.operations does not say who may {self.plan.operation}"
            raise ConfigurationError(message)
        self._roles = operations.get(self.plan.operation, frozenset())
        size = self.container.max_workers
        slots = self.server.__dict__.setdefault("slots", Slots(size, size * QUEUE_PER_WORKER))
        self._slots = slots
        super().setup()

    def stop(self) -> None:
        """Stop taking requests; the running ones finish first."""
        self.server.drain()
        super().stop()

    def endpoints(self) -> Iterable[tuple[str, str, Endpoint]]:
        """What the door puts in its table."""
        return ((self.plan.method, self.plan.path, self),)

    def answer(self, request: Request, values: dict[str, Any]) -> Response:
        """Answer one request: who, may he, what, do it, show it; a refusal is on record before it leaves."""
        request.route, request.oauth = self._route, self.plan.oauth
        call = self._call(request, values)
        try:
            self._permit(call)
            return self._bounded(call, request)
        except Refused as refused:
            if hasattr(self.container.service_cls, "db"):
                refusals.record(providers.database_of(self.container), call, refused)
            raise

    def _bounded(self, call: Call, request: Request) -> Response:
        """Answer it, at a place of its own where its body or its answer is a large one."""
        owner, bodies = call.caller.org_id if call.caller else None, self.server.bodies
        large = self.plan.large
        place = bodies.hold(owner) if large else bodies.take(owner, request.head.headers, self.plan.limit)
        response: Response | None = None
        try:
            response = self._worked(call, request)
        finally:
            if place is not None and (response is None or not large):
                place.give()
        if place is not None and large and isinstance(response.body, bytes):
            response.body = Held(_in_pieces(response.body), place)  # given back when all is sent
        return response

    def _worked(self, call: Call, request: Request) -> Response:
        self._fill(call, request)
        if may_wait(self.plan.deadline, request.head.query):
            return self._patient(call, request)
        self._enter(call)
        return self._answered(self._run(call), call, request)

    def _patient(self, call: Call, request: Request) -> Response:
        """Answer one who waits for events: in the connection's own green thread, at a place of its own.

        The worker and its database connection are free again before the waiting begins.
        """
        place = self.server.shares.take(call.caller.org_id if call.caller else None)
        response: Response | None = None
        try:
            self._enter(call, patient=True)
            response = self._answered(self._run(call), call, request)
        finally:
            if response is None or not response.endless:
                place.give()
        if response.endless:
            response.body = Held(response.body, place)
        return response

    def _answered(self, result: Any, call: Call, request: Request) -> Response:
        """The answer; what comes later is waited for here, whatever way the request came in."""
        request.waits = isinstance(result, Later)
        try:
            done = result.answer() if isinstance(result, Later) else result
            return answer_of(self.plan, done, call, request, self._policy)
        finally:
            request.waits = False

    def _call(self, request: Request, values: dict[str, Any]) -> Call:
        plan, headers = self.plan, request.head.headers
        until = deadline(headers.get("x-deadline-ms"), request.arrived, plan.seconds(request.head.query))
        return Call(
            route=self._route,
            operation=plan.operation,
            caller=self._caller(headers.get("authorization")),
            request_id=request.request_id,
            trace=request.trace,
            path=values,
            deadline=until,
            client_address=client_address(headers.get("x-client-address"), request.peer, proxies=1),
            cookies=cookies(headers.get("cookie")),
        )

    def _permit(self, call: Call) -> None:
        if not self.plan.public and call.caller is not None and not self._roles & call.caller.roles:
            raise NotAllowed("operation.not_allowed", f"None of your roles may do {self.plan.operation}.")

    def _fill(self, call: Call, request: Request) -> None:
        plan, headers = self.plan, request.head.headers
        if plan.public and call.caller is None:
            call.credentials = headers.get("authorization", "")
        if plan.changes:
            needed = call.caller is not None and call.caller.is_system
            call.idempotency_key = idempotency_key(headers.get("idempotency-key"), needed=needed)
        if plan.needs_version:
            call.expected_version = expected_version(headers.get("if-match"), weak=plan.fhir)
        if "if-none-match" in headers:
            known = known_versions(headers["if-none-match"])
            call.known_version = max(known, default=None)
        if plan.streams:
            call.last_seen = last_seen(headers.get("last-event-id"))
        call.file_name = file_name(headers.get("content-disposition")) if plan.unread else None
        call.query = load_query(plan, request.head.query)
        roles = call.caller.roles if call.caller is not None else frozenset[str]()
        writable = self._policy.writable(plan.operation, roles)
        call.media_type, call.raw, call.body = load_body(plan, request, writable)

    def _caller(self, authorization: str | None) -> Caller | None:
        # A public page shows the same to everybody, but whoever sends a token wants to be known.
        if self.plan.public and (authorization is None or authorization[:7].lower() != "bearer "):
            return None
        caller: Caller = self.server.verifier.verify(bearer(authorization))
        return caller

    def _enter(self, call: Call, *, patient: bool = False) -> None:
        if self._slots is None:
            raise Unavailable("process.starting", "The process is still starting.", retry_after=1)
        left = STREAM_START_SECONDS if call.deadline is None else call.deadline - time.monotonic()
        if left <= 0 or not self._slots.take(left, patient=patient):
            raise DeadlinePassed

    def _run(self, call: Call) -> Any:
        done = Event()
        try:
            self.container.spawn_worker(self, (call,), {}, handle_result=partial(self._finish, done))
        except ContainerBeingKilled:
            raise Unavailable("process.stopping", "The process is stopping.", retry_after=1) from None
        return done.wait()

    def _finish(self, done: Any, _context: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
        if self._slots is not None:
            self._slots.give()
        if exc_info is None:
            done.send(result)
        else:
            done.send_exception(*exc_info)
        return result, exc_info


def _in_pieces(body: bytes) -> Iterator[bytes]:
    return (body[at : at + PIECE] for at in range(0, len(body), PIECE))


def route(
    method: str,
    path: str,
    *,
    operation: str,
    summary: str,
    public: bool = False,
    internal: bool = False,
    body: type[Schema] | None = None,
    query: type[Schema] | None = None,
    answers: type[Schema] | None = None,
    many: bool = False,
    beside: Mapping[str, type[Schema]] | None = None,
    status: int = 200,
    changes: bool = False,
    needs_version: bool = False,
    limit: int = MIB,
    reads: tuple[str, ...] = (JSON,),
    unread: bool = False,
    raw: bool = False,
    gives: str = JSON,
    large: bool = False,
    deadline: str = "normal",
    example: Any = None,
    description: str = "",
    tag: str = "",
    refuses: tuple[type[Refused], ...] = (),
    oauth: bool = False,
) -> Callable[[Method], Method]:
    """Make a method of a service answer `method path`; it takes a Call and returns an Outcome.

    `many`: `answers` is the shape of one of `{"items": [...], "next": cursor or null}`; `beside` are the shapes
    of what may stand there with them. `reads` other than JSON: the
    body comes unread in `call.raw`; `unread`: JSON too, with what it is in `call.media_type` and `call.file_name`.
    `raw`: the method returns bytes, a Response or a werkzeug Response, of the media type `gives`. `large`: the answer
    is a file, sent in pieces from a place of its own. `deadline`: a class of DEADLINES. `refuses`: refusals that only
    this route has, such as one with the status 410, for the specification. `internal`: for our own processes; it is
    not in the specification, so that the gateway does not forward it. `oauth`: refusals are said as RFC 6749 section
    5.2 has it, not as problems.
    """
    plan = Plan(
        method=method, path=path, operation=operation, summary=summary, public=public, internal=internal,
        body=body() if body else None,
        query=query() if query else None, answers=answers() if answers else None, many=many,
        beside={name: shape() for name, shape in (beside or {}).items()}, status=status,
        changes=changes, needs_version=needs_version, limit=limit, reads=reads, unread=unread, raw=raw, gives=gives,
        large=large, deadline=deadline, example=example, description=description, tag=tag, refuses=refuses,
        oauth=oauth,
    )  # fmt: skip
    if deadline not in DEADLINES:
        message = f"{deadline!r} is no deadline class; use one of {', '.join(DEADLINES)}"
        raise ValueError(message)

    def register(function: Method) -> Method:
        register_entrypoint(function, Route(plan))
        return function

    return register


def plans_of(service: type) -> list[tuple[str, Plan]]:
    """Name of the method and plan of every route of a service class, in the order of the class and its parts."""
    return [
        (name, entrypoint.plan)
        for part in service.__mro__
        for name, member in vars(part).items()
        for entrypoint in getattr(member, "nameko_entrypoints", ())
        if isinstance(entrypoint, Route)
    ]
