"""The route of every service by which an organisation's auditor or data-protection officer reads its own audit rows.

There is no content in them; reading them is on record like any other read (access-and-privacy.md section 5).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from marshmallow import fields, validate

from chassis import paging
from chassis.audit import Entry
from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from chassis.schema import Shape, classified

OPERATIONS: dict[str, frozenset[str]] = {"audit.read": frozenset({"auditor", "dpo"})}


class Audited(Protocol):
    """What a service class has when its route is called."""

    db: Database


class AuditQuery(Shape):
    """Where a list goes on, and how long a page is."""

    cursor = classified(fields.String(load_default=None, validate=validate.Regexp(r"\A[1-9][0-9]{0,17}\Z")), "public")
    limit = classified(fields.Integer(load_default=paging.DEFAULT, validate=validate.Range(1, paging.MOST)), "public")


class AuditView(Shape):
    """One row: its place in the organisation's chain, who, when, what, for what purpose, and what came of it."""

    seq = classified(fields.Integer(required=True), "internal")
    id = classified(fields.UUID(required=True), "internal")
    at = classified(fields.AwareDateTime(required=True), "internal")
    subject = classified(fields.String(required=True), "internal")
    token_id = classified(fields.String(required=True, allow_none=True), "internal")
    operation = classified(fields.String(required=True), "internal")
    object_type = classified(fields.String(required=True), "internal")
    object_id = classified(fields.UUID(required=True, allow_none=True), "internal")
    purpose = classified(fields.String(required=True), "internal")
    basis = classified(fields.String(required=True, allow_none=True), "internal")
    request_id = classified(fields.String(required=True), "internal")
    outcome = classified(fields.String(required=True), "internal")


def audit_route(service: str) -> Callable[[Any, Call], Outcome]:
    """The method that answers `GET /{service}/audit`."""

    @route("GET", f"/{service}/audit", operation="audit.read", query=AuditQuery, answers=AuditView, many=True,
           summary="Who did and read what here for my organisation, newest first, up to a second ago")  # fmt: skip
    def audit_read(self: Audited, call: Call) -> Outcome:
        """List the organisation's own rows."""
        return _listed(self.db, call)

    return audit_read


OWN = "SELECT * FROM audit_own(%s, %s)"


def _listed(db: Database, call: Call) -> Outcome:
    cursor, limit = call.query["cursor"], call.query["limit"]
    with db.work(call) as work:
        rows = work.all(OWN, (int(cursor) if cursor else None, limit + 1))
        work.record(Entry(operation="audit.read", object_type="audit", object_id=None, purpose="audit"))
    items = rows[:limit]
    return Outcome(value={"items": items, "next": str(items[-1]["seq"]) if len(rows) > limit else None})
