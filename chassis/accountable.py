"""The routes of the data-protection officer in every service that keeps records of persons (http-api.md, per service).

`@accountable(records)` over a service class adds them with their rows of rights, and timers that finish interrupted
erasures and erase what is due. An officer reaches the records of the own organisation alone: everything else is 404.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Protocol, TypeVar
from uuid import UUID

from marshmallow import fields, validate
from nameko.timer import timer

from chassis import clock, erasure, exporting, holding, retention
from chassis.audit import Entry
from chassis.db import Database
from chassis.erasure import Erasure
from chassis.errors import Unauthenticated, Unavailable
from chassis.http import route
from chassis.identity import Caller
from chassis.records import Records
from chassis.requests import Call, Outcome
from chassis.schema import CLASSES, Shape, classified, plain_text
from chassis.step_up import require_step_up

OFFICER = frozenset({"dpo"})
OPERATIONS: dict[str, frozenset[str]] = dict.fromkeys(
    ("person.export", "person.erase", "person.hold", "person.release"), OFFICER
)
FINISH_SECONDS = 60
"""How soon an erasure goes on that something interrupted; nobody can read the record meanwhile."""

RETENTION_SECONDS = 3600
"""More often than every night: what is due is due, and a process that is young at night would never get to it."""

REASONS = ("person_asked", "consent_withdrawn", "no_longer_needed", "unlawful", "legal_duty")
BASES = tuple(f"gdpr_17_1_{letter}" for letter in "abcdef")
ABOUT_EXPORT = (
    "Everything that the caller's own organisation has under this id, field by field with its class. What may speak of "
    "somebody else is held back, with the reason, until `reviewed=true` says that an officer will read it before it is "
    "handed out. Other controllers are named, not read."
)
Service = TypeVar("Service", bound=type)
Method = Callable[[Any, Call], Outcome]


class Accountable(Protocol):
    """What a service class has when its routes are called."""

    db: Database


class ExportQuery(Shape):
    """Whether an officer answers for reading what was held back before it is handed out."""

    reviewed = classified(fields.Boolean(load_default=False, truthy={"true"}, falsy={"false"}), "public")


class Fact(Shape):
    """One field: its class, and its value or why that is held back."""

    name = classified(fields.String(required=True), "internal")
    kind = classified(
        fields.String(required=True, data_key="class", validate=validate.OneOf(sorted(CLASSES))), "public"
    )
    value = classified(fields.Raw(required=True, allow_none=True), "sealed")
    held_back = classified(fields.String(required=True, allow_none=True), "public")


class Part(Shape):
    """One row of one table."""

    table = classified(fields.String(required=True), "internal")
    fields_ = classified(
        fields.List(fields.Nested(Fact), required=True, data_key="fields", attribute="fields"), "sealed"
    )


class OtherController(Shape):
    """An organisation with a record of its own of the same case; ask it."""

    id = classified(fields.UUID(required=True), "public")
    key = classified(fields.String(required=True, allow_none=True), "public")
    role = classified(fields.String(required=True), "internal")


class ExportView(Shape):
    """All that one organisation has of one record."""

    object_type = classified(fields.String(required=True), "public")
    id = classified(fields.UUID(required=True), "internal")
    made_at = classified(fields.AwareDateTime(required=True), "internal")
    reviewed = classified(fields.Boolean(required=True), "internal")
    held_since = classified(fields.AwareDateTime(required=True, allow_none=True), "internal")
    other_controllers = classified(fields.List(fields.Nested(OtherController), required=True), "internal")
    parts = classified(fields.List(fields.Nested(Part), required=True), "sealed")


class Erase(Shape):
    """Why it is erased, and by which ground; codes, because the ledger holds nothing personal."""

    reason = classified(fields.String(required=True, validate=validate.OneOf(REASONS)), "internal")
    basis = classified(fields.String(required=True, validate=validate.OneOf(BASES)), "internal")


class ErasureView(Shape):
    """How the erasure stands: nobody can read the record from `erasing` on, and nothing of it is left at `erased`."""

    id = classified(fields.UUID(required=True), "internal")
    state = classified(fields.String(required=True, validate=validate.OneOf(("erasing", "erased"))), "internal")
    at = classified(fields.AwareDateTime(required=True), "internal")
    done_at = classified(fields.AwareDateTime(required=True, allow_none=True), "internal")


class Hold(Shape):
    """The order by which a record is kept, and when that is looked at again."""

    reference = classified(fields.String(required=True, validate=plain_text(1, 200)), "sealed")
    review_in_days = classified(
        fields.Integer(required=True, strict=True, validate=validate.Range(1, holding.LONGEST_DAYS)), "internal"
    )


class Release(Shape):
    """Nothing needs to be said."""


class HoldView(Shape):
    """Whether the record is held now, and when that is to be looked at again."""

    id = classified(fields.UUID(required=True), "internal")
    held = classified(fields.Boolean(required=True), "internal")
    review_on = classified(fields.Date(required=True, allow_none=True), "internal")


def accountable(records: Records) -> Callable[[Service], Service]:
    """Add the officer's routes and the timers to a service class, under the service's own name."""

    def add(service: Service) -> Service:
        kind: Any = service
        kind.operations = {**kind.operations, **OPERATIONS}
        methods = (*_rights(kind.name, records), *_holds(kind.name, records), *_upkeep(records))
        for method in methods:
            setattr(kind, method.__name__, method)
        return service

    return add


def _rights(service: str, records: Records) -> tuple[Method, ...]:
    path = f"/{service}/persons/<uuid:key>"

    @route("GET", f"{path}/export", operation="person.export", query=ExportQuery, answers=ExportView, deadline="bulk",
           summary="All that my organisation has of one record, for the person", description=ABOUT_EXPORT)  # fmt: skip
    def person_export(self: Accountable, call: Call) -> Outcome:
        """Export one."""
        return _exported(self.db, records, call)

    @route("POST", f"{path}/erase", operation="person.erase", body=Erase, answers=ErasureView, changes=True,
           example={"reason": "person_asked", "basis": "gdpr_17_1_a"}, deadline="bulk",
           summary="Erase one record of my organisation for good: its keys first, then its rows")  # fmt: skip
    def person_erase(self: Accountable, call: Call) -> Outcome:
        """Erase one."""
        return _erased(self.db, records, call)

    return person_export, person_erase


def _holds(service: str, records: Records) -> tuple[Method, ...]:
    path = f"/{service}/persons/<uuid:key>"

    @route("POST", f"{path}/hold", operation="person.hold", body=Hold, answers=HoldView, changes=True,
           example={"reference": "Demo order 1/2026", "review_in_days": 90},
           summary="Keep one record by order: nothing erases it, and only the officer sees it")  # fmt: skip
    def person_hold(self: Accountable, call: Call) -> Outcome:
        """Hold one."""
        return _held(self.db, records, call)

    @route("POST", f"{path}/release", operation="person.release", body=Release, answers=HoldView, changes=True,
           example={}, summary="End the hold of a record")  # fmt: skip
    def person_release(self: Accountable, call: Call) -> Outcome:
        """Release one."""
        return _released(self.db, records, call)

    return person_hold, person_release


def _upkeep(records: Records) -> tuple[Any, ...]:
    @timer(interval=FINISH_SECONDS)  # type: ignore[untyped-decorator]  # nameko is untyped
    def finish_erasures(self: Accountable) -> None:
        """Go on with what was interrupted."""
        retention.sweep(self.db, records, rules=False)

    @timer(interval=RETENTION_SECONDS)  # type: ignore[untyped-decorator]  # nameko is untyped
    def keep_retention(self: Accountable) -> None:
        """Erase what is due."""
        retention.sweep(self.db, records)

    return finish_erasures, keep_retention


def _exported(db: Database, records: Records, call: Call) -> Outcome:
    reviewed = call.query["reviewed"]
    with db.work(call) as work:
        _officer(call)
        value = exporting.export(work, records, call.path["key"], reviewed=reviewed)
        work.record(_entry(records, call, purpose="subject_access", basis="reviewed" if reviewed else "held_back"))
    return Outcome(value=value)


def _erased(db: Database, records: Records, call: Call) -> Outcome:
    body, key = call.body, call.path["key"]
    with db.work(call) as work:
        org, again = _officer(call).org_id, work.claimed() is not None
        begun = erasure.begin(work, records, key, org=org, reason=body["reason"], basis=body["basis"])
        work.record(_entry(records, call, purpose="erasure", basis=begun.basis, again=again))
    with contextlib.suppress(Unavailable):  # it is hidden and written down already; the timer goes on
        begun = erasure.finish(db, records, begun)
    return Outcome(value=_view(begun))


def _held(db: Database, records: Records, call: Call) -> Outcome:
    body, key = call.body, call.path["key"]
    order = holding.Order(**body, key=db.keys.take())
    with db.work(call) as work:
        org, again = _officer(call).org_id, work.claimed() is not None
        on = holding.review_of(work, records, key) if again else holding.hold(work, records, key, order, org=org)
        work.record(_entry(records, call, purpose="legal_hold", again=again))
    return Outcome(value={"id": key, "held": on is not None, "review_on": on})


def _released(db: Database, records: Records, call: Call) -> Outcome:
    with db.work(call) as work:
        _officer(call)
        again = work.claimed() is not None
        if not again:
            holding.release(work, records, call.path["key"])
        work.record(_entry(records, call, purpose="legal_hold", again=again))
    return Outcome(value={"id": call.path["key"], "held": False, "review_on": None})


def _officer(call: Call) -> Caller:
    # Every one of these routes comes through here. A system gets the role from an operator of the network only.
    if call.caller is None:
        raise Unauthenticated("token.missing", "An access token is needed.")
    require_step_up(call.caller, clock.now(), systems=True)
    return call.caller


def _entry(records: Records, call: Call, *, purpose: str, basis: str | None = None, again: bool = False) -> Entry:
    key: UUID = call.path["key"]
    kind, outcome = records.persons.object_type, "repeated" if again else "done"
    return Entry(
        operation=call.operation, object_type=kind, object_id=key, purpose=purpose, basis=basis, outcome=outcome
    )


def _view(found: Erasure) -> dict[str, Any]:
    state = "erasing" if found.done_at is None else "erased"
    return {"id": found.object_id, "state": state, "at": found.at, "done_at": found.done_at}
