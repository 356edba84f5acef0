"""Shapes of the restricted part: what a case holds on victim or partner, for the partner-safety role alone."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import Shape, classified, plain_text
from services.referrals.schemas.parts import NAME, REFERENCE, TEXT

STEPS = ("open", "done")
MOST = 50


class ProtectedPerson(Shape):
    """Whom the case protects, and how to reach her or him safely."""

    name = classified(fields.String(required=True, validate=NAME), "sealed")
    contact = classified(fields.String(load_default=None, allow_none=True, validate=plain_text(1, 500)), "sealed")
    safe_times = classified(fields.String(load_default=None, allow_none=True, validate=plain_text(1, 500)), "sealed")


class RestrictedPart(Shape):
    """All of it as it shall stand from now on; what is left out is empty."""

    protected_persons = classified(
        fields.List(fields.Nested(ProtectedPerson), load_default=list, validate=validate.Length(max=MOST)), "sealed"
    )
    incident_address = classified(fields.String(load_default=None, allow_none=True, validate=TEXT), "sealed")
    incident_at = classified(fields.AwareDateTime(load_default=None, allow_none=True, default_timezone=None), "sealed")
    prohibited_places = classified(
        fields.List(fields.String(validate=plain_text(1, 500)), load_default=list, validate=validate.Length(max=MOST)),
        "sealed",
    )
    judgments = classified(
        fields.List(fields.String(validate=REFERENCE), load_default=list, validate=validate.Length(max=MOST)), "offence"
    )
    partner_note = classified(fields.String(load_default=None, allow_none=True, validate=TEXT), "sealed")
    partner_step = classified(fields.String(load_default="open", validate=validate.OneOf(STEPS)), "internal")


class RestrictedView(Shape):
    """The restricted part; version 0 and nothing in it while nobody wrote any."""

    id = classified(fields.UUID(), "internal")
    version = classified(fields.Integer(), "internal")
    protected_persons = classified(fields.List(fields.Nested(ProtectedPerson)), "sealed")
    incident_address = classified(fields.String(allow_none=True), "sealed")
    incident_at = classified(fields.String(allow_none=True), "sealed")  # as it was sealed
    prohibited_places = classified(fields.List(fields.String()), "sealed")
    judgments = classified(fields.List(fields.String()), "offence")
    partner_note = classified(fields.String(allow_none=True), "sealed")
    partner_step = classified(fields.String(), "internal")


RESTRICTED_EXAMPLE = {
    "protected_persons": [{"name": "Demo Demaitė", "contact": "+37060000001", "safe_times": "weekdays before noon"}],
    "incident_address": "Invented street 1, Kaunas",
    "prohibited_places": ["Invented school"],
    "partner_step": "open",
}
