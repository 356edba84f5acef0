"""The operators' routes of every service: what is parked, seen and decided over HTTP as by command (http-api.md).

`@operated` over a service class adds the routes and the rows of rights. The role `operator` belongs to whoever runs the
machines; it sees no content here, as nowhere.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol, TypeVar
from uuid import UUID

from marshmallow import ValidationError, fields, validate, validates_schema

from chassis import auditing, clock, paging, parked
from chassis.audit import Entry
from chassis.db import Database
from chassis.errors import NotFound, Unavailable
from chassis.http import route
from chassis.kinds import CODE
from chassis.link import LinkLost
from chassis.parked import Desk
from chassis.providers import SettingsProvider
from chassis.requests import Call, Outcome
from chassis.schema import Fault, Shape, classified
from chassis.settings import Settings
from chassis.shelf import Parked

OPERATOR = frozenset({"operator"})
OPERATIONS: dict[str, frozenset[str]] = dict.fromkeys(
    ("parked.list", "parked.show", "parked.replay", "parked.replay_many", "parked.drop"), OPERATOR
)
BROKER_SECONDS = 4.0
REPLAY_SECONDS = 6.0
"""How long one request goes on replaying; its transaction is idle meanwhile and is cut after 20 s (chassis/db.py)."""

EARLIEST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
Service = TypeVar("Service", bound=type)
Method = Callable[[Any, Call], Outcome]


class Operated(Protocol):
    """What a service class has when its routes are called."""

    db: Database
    operating: Settings


class ParkedQuery(Shape):
    """Where a list goes on, and how long a page is."""

    cursor = classified(fields.String(validate=validate.Length(1, 200)), "public")
    limit = classified(fields.Integer(load_default=paging.DEFAULT, validate=validate.Range(1, paging.MOST)), "public")


class ParkedView(Shape):
    """One parked event without its content; "?" stands for what could not be read."""

    id = classified(fields.UUID(required=True), "internal")
    type = classified(fields.String(required=True), "public")
    source = classified(fields.String(required=True), "public")
    subject = classified(fields.String(required=True), "internal")
    sequence = classified(fields.Integer(required=True), "internal")
    reason = classified(fields.String(required=True), "internal")
    error = classified(fields.String(required=True), "internal")
    attempts = classified(fields.Integer(required=True), "internal")
    parked_at = classified(fields.AwareDateTime(required=True, allow_none=True), "internal")
    told_at = classified(fields.AwareDateTime(required=True, allow_none=True), "internal")


class ParkedDetail(ParkedView):
    """One parked event, what waits behind it, what the reason means and what to do."""

    waiting_behind = classified(fields.Integer(required=True), "internal")
    meaning = classified(fields.String(required=True), "public")
    advice = classified(fields.String(required=True), "public")


class Nothing(Shape):
    """An empty body."""


class Yes(fields.Boolean):
    """Nothing but true: a word or a number that Python takes for true is not what was asked."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> bool:  # noqa: ARG002 - as marshmallow calls it
        if value is not True:
            raise self.make_error("invalid", input=value)
        return True


class Replay(Shape):
    """Either all that is parked now, or what was parked since a moment."""

    all = classified(Yes(validate=validate.OneOf((True,))), "public")
    since = classified(fields.AwareDateTime(), "internal")

    @validates_schema
    def _one_of_both(self, data: dict[str, Any], **_: object) -> None:
        if len(data) != 1:
            raise ValidationError(Fault("replay.one_of", 'Give either "all": true or "since" with a time.'))


class Drop(Shape):
    """Why it is given up, as a code for the audit."""

    reason = classified(fields.String(required=True, validate=validate.Regexp(f"^{CODE.pattern}")), "internal")


class Acted(Shape):
    """The event, and what was done with it."""

    id = classified(fields.UUID(required=True), "internal")
    act = classified(fields.String(required=True, validate=validate.OneOf(("replayed", "dropped"))), "public")


class DroppedView(Acted):
    """Whether what waits behind it goes on by that: false when an earlier one of the object is parked or missing.

    Null when the message was no event, or when an earlier request with this key dropped it.
    """

    goes_on = classified(fields.Boolean(required=True, allow_none=True), "internal")


class ReplayedView(Shape):
    """How many went to the service again, how many were left; null when an earlier request with this key did it."""

    replayed = classified(fields.Integer(required=True, allow_none=True), "internal")
    left = classified(fields.Integer(required=True, allow_none=True), "internal")


def operated(service: Service) -> Service:
    """Add the operators' routes and the auditors' to a service class, under the service's own name."""
    kind: Any = service
    kind.operations = {**kind.operations, **OPERATIONS, **auditing.OPERATIONS}
    kind.operating = SettingsProvider()
    kind.__annotations__ = {**kind.__annotations__, "operating": Settings}
    for method in (*_reading(kind.name), *_acting(kind.name), auditing.audit_route(kind.name)):
        setattr(kind, method.__name__, method)
    return service


def _reading(service: str) -> tuple[Method, ...]:
    path = f"/{service}/parked"

    @route("GET", path, operation="parked.list", query=ParkedQuery, answers=ParkedView, many=True, deadline="bulk",
           summary="Events that this service could not take, oldest first")  # fmt: skip
    def parked_list(self: Operated, call: Call) -> Outcome:
        """List what is parked."""
        return _listed(self, call)

    @route("GET", f"{path}/<uuid:event_id>", operation="parked.show", answers=ParkedDetail, deadline="bulk",
           summary="One parked event: why, what waits behind it, what to do; never its content")  # fmt: skip
    def parked_show(self: Operated, call: Call) -> Outcome:
        """Show one."""
        return _shown(self, call)

    return parked_list, parked_show


def _acting(service: str) -> tuple[Method, ...]:
    path = f"/{service}/parked"

    @route("POST", f"{path}/replay", operation="parked.replay_many", body=Replay, answers=ReplayedView, changes=True,
           example={"all": True}, deadline="bulk",
           summary="Give all that is parked now, or since a moment, to the service again")  # fmt: skip
    def parked_replay_many(self: Operated, call: Call) -> Outcome:
        """Replay many."""
        return _replayed_many(self, call)

    @route("POST", f"{path}/<uuid:event_id>/replay", operation="parked.replay", body=Nothing, answers=Acted,
           changes=True, example={}, deadline="bulk", summary="Give a parked event to the service again")  # fmt: skip
    def parked_replay(self: Operated, call: Call) -> Outcome:
        """Replay one."""
        return _replayed(self, call)

    @route("POST", f"{path}/<uuid:event_id>/drop", operation="parked.drop", body=Drop, answers=DroppedView,
           changes=True, example={"reason": "operator.duplicate"}, deadline="bulk",
           summary="Take a parked event away for good; what waits behind it goes on")  # fmt: skip
    def parked_drop(self: Operated, call: Call) -> Outcome:
        """Drop one."""
        return _dropped(self, call)

    return parked_replay_many, parked_replay, parked_drop


def _listed(service: Operated, call: Call) -> Outcome:
    after = paging.position(call.query.get("cursor"))
    with _refusals():
        found = parked.look(_desk(service, call))
    rows = sorted((_row(each) for each in found), key=_place)
    if after[0] is not None:
        rows = [row for row in rows if _place(row) > after]
    return Outcome(value=paging.page(rows, call.query["limit"], by="place"))


def _shown(service: Operated, call: Call) -> Outcome:
    with _refusals():
        detail = parked.look_at(_desk(service, call), _named(call))
    words = dataclasses.asdict(detail.explanation)
    return Outcome(value={**_row(detail.parked), "waiting_behind": detail.waiting, **words})


def _replayed(service: Operated, call: Call) -> Outcome:
    with _refusals():
        parked.replay_one(_desk(service, call), _named(call))
    return Outcome(value={"id": _named(call), "act": "replayed"})


def _dropped(service: Operated, call: Call) -> Outcome:
    with _refusals():
        dropped = parked.drop_one(_desk(service, call), _named(call), reason=call.body["reason"])
    return Outcome(value={"id": _named(call), "act": "dropped", "goes_on": dropped.goes_on})


def _replayed_many(service: Operated, call: Call) -> Outcome:
    """One row for the request, so that its key is remembered, and one for each event."""
    desk = _desk(service, call)
    with _refusals(), service.db.work(call) as work:
        before = work.claimed()
        done = None
        if before is None:
            done = parked.replay_many(desk, since=call.body.get("since"), until=time.monotonic() + REPLAY_SECONDS)
        request, outcome = before or clock.new_id(), "repeated" if before else "done"
        work.record(
            Entry(
                operation="parked.replay_many",
                object_type="request",
                object_id=request,
                purpose="operation",
                outcome=outcome,
            )
        )
    return Outcome(value={"replayed": done.done if done else None, "left": done.left if done else None})


def _desk(service: Operated, call: Call) -> Desk:
    unkeyed = dataclasses.replace(call, idempotency_key=None)  # else the key would count as done before it is
    begin, ask = partial(service.db.work, call), partial(service.db.work, unkeyed)
    return Desk(service.operating, service.db.service, begin, ask, BROKER_SECONDS)


def _named(call: Call) -> UUID:
    found: UUID = call.path["event_id"]
    return found


def _row(event: Parked) -> dict[str, Any]:
    place = event.parked_at or EARLIEST
    return {**dataclasses.asdict(event), "id": event.id, "place": place}


def _place(row: dict[str, Any]) -> tuple[Any, UUID]:
    return (row["place"], row["id"])


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except NotFound:
        raise NotFound from None  # the words of every other 404
    except LinkLost as lost:
        raise Unavailable("broker.unavailable", "The broker does not answer for the moment.") from lost
