"""Shapes of one-time links: made by a lead, shown and answered by whoever holds one."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from chassis.schema import Fault, Shape, classified, plain_text
from services.referrals.rules import codes, links
from services.referrals.schemas.parts import NAME, TEXT

TOKEN = plain_text(1, 100)
NEEDED = {"acknowledge": (), "accept": ("responsible", "next_step_on"), "decline": ("reason",)}


class LinkMade(Shape):
    """A new link; `path` is told this once, and null when an earlier request with this key made it."""

    path = classified(fields.String(required=True, allow_none=True), "sealed")
    expires_at = classified(fields.AwareDateTime(required=True, allow_none=True), "internal")


class LinkHeld(Shape):
    """The token of a link."""

    token = classified(fields.String(required=True, validate=TOKEN), "sealed")


class LinkShown(Shape):
    """What a link shows: no name, no need, no reason, not even the sender."""

    reference = classified(fields.String(required=True), "internal")
    urgency = classified(fields.String(required=True, validate=validate.OneOf(codes.URGENCIES)), "internal")
    respond_by = classified(fields.String(required=True, allow_none=True), "internal")
    actions = classified(fields.List(fields.String(), required=True), "internal")
    reasons = classified(fields.List(fields.String(), required=True), "public")
    next_step_on = classified(fields.Date(required=True), "internal")
    expires_at = classified(fields.AwareDateTime(required=True), "internal")


class LinkAnswer(LinkHeld):
    """What is answered by a link: to accept needs a name and a day, to decline a reason."""

    action = classified(fields.String(required=True, validate=validate.OneOf(links.ACTIONS)), "internal")
    responsible = classified(fields.String(load_default=None, allow_none=True, validate=NAME), "sealed")
    next_step_on = classified(fields.Date(load_default=None, allow_none=True), "sealed")
    reason = classified(
        fields.String(load_default=None, allow_none=True, validate=validate.OneOf(links.REASONS)), "sealed"
    )
    text = classified(fields.String(load_default=None, allow_none=True, validate=TEXT), "sealed")

    @validates_schema
    def says_enough(self, value: dict[str, Any], **_: object) -> None:
        """Each action has what it needs, and the reason "other" a text."""
        needed = [*NEEDED.get(value["action"], ())]
        if value["action"] == "decline" and value["reason"] == "other":
            needed.append("text")
        faults = {name: [Fault("required", "This is needed here.")] for name in needed if value[name] is None}
        if faults:
            raise ValidationError({name: list(told) for name, told in faults.items()})


class LinkAnswered(Shape):
    """What came of it."""

    action = classified(fields.String(required=True), "internal")
