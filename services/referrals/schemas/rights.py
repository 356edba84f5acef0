"""Shapes of who may open a case inside an organisation, in and out."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from chassis.paging import DEFAULT, MOST
from chassis.schema import Fault, Shape, classified
from services.referrals.rules import lifecycle, rights

UNIT = validate.Regexp(r"^[a-z0-9][a-z0-9_-]{0,63}\Z")
SUBJECT = validate.Regexp(r"^[a-z]{1,16}:[A-Za-z0-9:._-]{1,150}\Z")
MOST_MEMBERS = 50


class ReasonQuery(Shape):
    """Why a member of another unit looks; not needed inside one's own."""

    reason = classified(fields.String(load_default=None, validate=validate.OneOf(rights.REASONS)), "internal")


class Assignment(Shape):
    """The unit, the worker, or both; null takes it away."""

    unit = classified(fields.String(allow_none=True, validate=UNIT), "internal")
    worker = classified(fields.String(allow_none=True, validate=SUBJECT), "internal")

    @validates_schema
    def says_something(self, value: dict[str, Any], **_: object) -> None:
        """An empty assignment assigns nothing."""
        if not value:
            raise ValidationError(Fault("assignment.empty", "Give a unit, a worker or both."))


class Restriction(Shape):
    """The members that a case stays open to; whoever restricts it is always among them."""

    members = classified(
        fields.List(fields.String(validate=SUBJECT), required=True, validate=validate.Length(0, MOST_MEMBERS)),
        "internal",
    )


class Lifting(Shape):
    """Nothing needs to be said."""


class Member(Shape):
    """One member of the organisation."""

    member = classified(fields.String(required=True, validate=SUBJECT), "internal")


class AccessView(Shape):
    """Who of the organisation may open a case, as far as the caller may know."""

    id = classified(fields.UUID(required=True), "internal")
    side = classified(
        fields.String(required=True, validate=validate.OneOf((lifecycle.SENDER, lifecycle.RECEIVER))), "internal"
    )
    unit = classified(fields.String(required=True, allow_none=True), "internal")
    worker = classified(fields.String(required=True, allow_none=True), "internal")
    restricted = classified(fields.Boolean(), "internal")
    named = classified(fields.List(fields.String()), "internal")
    barred = classified(fields.List(fields.String()), "internal")


class OutsideQuery(Shape):
    """How far back, where to go on, and how many."""

    weeks = classified(fields.Integer(load_default=1, validate=validate.Range(1, 12)), "public")
    cursor = classified(fields.String(load_default=None), "public")
    limit = classified(fields.Integer(load_default=DEFAULT, validate=validate.Range(1, MOST)), "public")


class OutsideRead(Shape):
    """One look at a case by somebody of another unit, without anything about the person."""

    id = classified(fields.UUID(required=True), "internal")
    referral_id = classified(fields.UUID(required=True), "internal")
    side = classified(fields.String(required=True), "internal")
    unit = classified(fields.String(required=True, allow_none=True), "internal")
    subject = classified(fields.String(required=True), "internal")
    reason = classified(fields.String(required=True), "internal")
    at = classified(fields.AwareDateTime(required=True), "internal")


ASSIGNMENT_EXAMPLE = {"unit": "north", "worker": "member:demo-worker"}
RESTRICTION_EXAMPLE = {"members": ["member:demo-worker"]}
MEMBER_EXAMPLE = {"member": "member:demo-relative"}
