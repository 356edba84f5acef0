"""Shapes of programmes: what all groups of one kind of an organisation have in common."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import Shape, classified
from services.groups.rules import attendance, grouping
from services.groups.schemas.parts import KEY, Consent, names


class Completion(Shape):
    """What finishing rests on: percent of the meetings attended, and topics that must not be missed."""

    min_share = classified(
        fields.Integer(load_default=attendance.MIN_SHARE, strict=True, validate=validate.Range(0, 100)), "public"
    )
    core = classified(
        fields.List(fields.String(validate=KEY), load_default=list, validate=validate.Length(0, 20)), "public"
    )


class Absences(Shape):
    """How many absences without an apology are too many: in a row, and in all."""

    in_a_row = classified(
        fields.Integer(load_default=attendance.IN_A_ROW, strict=True, validate=validate.Range(1, 30)), "public"
    )
    in_all = classified(
        fields.Integer(load_default=attendance.IN_ALL, strict=True, validate=validate.Range(1, 60)), "public"
    )


AGE = validate.Range(0, 120)


class ProgrammeChange(Shape):
    """What a programme is to say from now on; what is not named stays."""

    names = classified(names(required=False), "public")
    retention_days = classified(fields.Integer(strict=True, validate=validate.Range(1, 3650)), "public")
    consents = classified(fields.List(fields.Nested(Consent), validate=validate.Length(0, 20)), "public")
    individual_meetings = classified(fields.Integer(strict=True, validate=validate.Range(0, 20)), "public")
    mandated_share = classified(fields.Integer(strict=True, validate=validate.Range(0, 100)), "public")
    funder = classified(fields.String(allow_none=True, validate=KEY), "internal")
    completion = classified(fields.Nested(Completion), "public")
    absences = classified(fields.Nested(Absences), "public")
    min_age = classified(fields.Integer(allow_none=True, strict=True, validate=AGE), "public")
    max_age = classified(fields.Integer(allow_none=True, strict=True, validate=AGE), "public")
    several_seats = classified(fields.Boolean(truthy={True}, falsy={False}), "public")
    licensed_orgs = classified(fields.List(fields.String(validate=KEY), validate=validate.Length(0, 200)), "internal")


class NewProgramme(Shape):
    """A programme; without a key it gets one made from the organisation's key and the kind."""

    key = classified(fields.String(load_default=None, allow_none=True, validate=KEY), "public")
    kind = classified(fields.String(required=True, validate=validate.OneOf(tuple(grouping.KINDS))), "public")
    names = classified(names(), "public")
    mandated = classified(fields.String(load_default="no", validate=validate.OneOf(grouping.MANDATED)), "public")
    intake = classified(
        fields.String(load_default=None, allow_none=True, validate=validate.OneOf(grouping.INTAKES)), "public"
    )
    retention_days = classified(
        fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(1, 3650)), "public"
    )
    consents = classified(
        fields.List(fields.Nested(Consent), load_default=list, validate=validate.Length(0, 20)), "public"
    )
    individual_meetings = classified(
        fields.Integer(load_default=0, strict=True, validate=validate.Range(0, 20)), "public"
    )
    mandated_share = classified(
        fields.Integer(
            load_default=50,
            strict=True,
            validate=validate.Range(0, 100),
            metadata={"description": "How many percent of the seats men who were sent may hold."},
        ),
        "public",
    )
    funder = classified(fields.String(load_default=None, allow_none=True, validate=KEY), "internal")
    completion = classified(fields.Nested(Completion, load_default=lambda: Completion().load({})), "public")
    absences = classified(fields.Nested(Absences, load_default=lambda: Absences().load({})), "public")
    min_age = classified(fields.Integer(load_default=None, allow_none=True, strict=True, validate=AGE), "public")
    max_age = classified(fields.Integer(load_default=None, allow_none=True, strict=True, validate=AGE), "public")
    several_seats = classified(
        fields.Boolean(
            load_default=False,
            truthy={True},
            falsy={False},
            metadata={"description": "Whether one man may be live in more than one group of the programme."},
        ),
        "public",
    )
    licensed_orgs = classified(
        fields.List(
            fields.String(validate=KEY),
            load_default=list,
            validate=validate.Length(0, 200),
            metadata={"description": "Keys of organisations that may run this programme under licence."},
        ),
        "internal",
    )
    licence_of = classified(
        fields.UUID(
            load_default=None,
            allow_none=True,
            metadata={"description": "A programme of another organisation; its settings are taken over as they are."},
        ),
        "public",
    )


class ProgrammeView(Shape):
    """A programme of the caller's organisation."""

    id = classified(fields.UUID(required=True), "public")
    key = classified(fields.String(required=True), "public")
    kind = classified(fields.String(required=True), "public")
    names = classified(fields.Dict(required=True), "public")
    mandated = classified(fields.String(required=True), "public")
    intake = classified(fields.String(required=True), "public")
    partner_step = classified(fields.Boolean(required=True), "public")
    retention_days = classified(fields.Integer(required=True), "public")
    consents = classified(fields.List(fields.Nested(Consent), required=True), "public")
    individual_meetings = classified(fields.Integer(required=True), "public")
    mandated_share = classified(fields.Integer(required=True), "public")
    funder = classified(fields.String(required=True, allow_none=True), "internal")
    completion = classified(fields.Nested(Completion, required=True), "public")
    absences = classified(fields.Nested(Absences, required=True), "public")
    min_age = classified(fields.Integer(required=True, allow_none=True), "public")
    max_age = classified(fields.Integer(required=True, allow_none=True), "public")
    several_seats = classified(fields.Boolean(required=True), "public")
    licensed_orgs = classified(fields.List(fields.String(), required=True), "internal")
    licence_of = classified(fields.UUID(required=True, allow_none=True), "public")
    version = classified(fields.Integer(required=True), "internal")


NEW_PROGRAMME_EXAMPLE = {"kind": "peer", "names": {"lt": "Vyrų grupė", "en": "Men's group"}}
