"""Shapes of many referrals at once: what is asked, and the answer for each of them."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import Shape, classified

ALL_OR_NOTHING, REST = "all_or_nothing", "rest"
STORED, REFUSED, VALID, NOT_STORED = "stored", "refused", "valid", "not_stored"
OUTCOMES = (STORED, REFUSED, VALID, NOT_STORED)


class BatchQuery(Shape):
    """Whether one that is refused stops all, and whether anything is stored at all."""

    mode = classified(
        fields.String(load_default=ALL_OR_NOTHING, validate=validate.OneOf((ALL_OR_NOTHING, REST))), "public"
    )
    dry_run = classified(fields.Boolean(load_default=False, truthy={"true"}, falsy={"false"}), "public")


class ItemFault(Shape):
    """One wrong field: where, a code, and what is expected; never what was sent."""

    pointer = classified(fields.String(required=True), "public")
    code = classified(fields.String(required=True), "public")
    detail = classified(fields.String(required=True), "public")


class ItemProblem(Shape):
    """Why one was refused, as the problem of a single request would say it."""

    code = classified(fields.String(required=True), "public")
    detail = classified(fields.String(required=True), "public")
    errors = classified(fields.List(fields.Nested(ItemFault), required=True), "public")


class ItemView(Shape):
    """What became of one: `status` is what a single request would have been answered.

    424: it is good, and was not stored because another one is not.
    """

    index = classified(fields.Integer(required=True), "public")
    row = classified(fields.Integer(required=True, allow_none=True), "public")
    outcome = classified(fields.String(required=True, validate=validate.OneOf(OUTCOMES)), "public")
    status = classified(fields.Integer(required=True), "public")
    id = classified(fields.UUID(required=True, allow_none=True), "internal")
    problem = classified(fields.Nested(ItemProblem, required=True, allow_none=True), "public")


class BatchView(Shape):
    """The answer for all, in the order in which they came."""

    dry_run = classified(fields.Boolean(required=True), "public")
    mode = classified(fields.String(required=True), "public")
    stored = classified(fields.Integer(required=True), "public")
    refused = classified(fields.Integer(required=True), "public")
    items = classified(fields.List(fields.Nested(ItemView), required=True), "internal")
