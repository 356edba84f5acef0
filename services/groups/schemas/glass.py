"""Shapes of looks at a contact outside of duty."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import Shape, classified
from services.groups.rules import glass
from services.groups.schemas.staff import ContactView


class BreakGlass(Shape):
    """Why somebody has to reach a man who is not his to reach."""

    reason = classified(fields.String(required=True, validate=validate.OneOf(glass.REASONS)), "internal")


class OpenContact(ContactView):
    """How he can be reached, and until when this may be looked at."""

    until = classified(fields.AwareDateTime(required=True), "internal")


class GlassView(Shape):
    """One look outside of duty: who, at whom, why, until when, and when the officer saw it."""

    id = classified(fields.UUID(required=True), "internal")
    group_id = classified(fields.UUID(required=True), "internal")
    signup_id = classified(fields.UUID(required=True), "internal")
    reason = classified(fields.String(required=True), "internal")
    actor = classified(fields.String(required=True), "internal")
    at = classified(fields.AwareDateTime(required=True), "internal")
    until = classified(fields.AwareDateTime(required=True), "internal")
    seen_at = classified(fields.AwareDateTime(required=True, allow_none=True), "internal")
