"""Shapes of an evening's list: who may come, who came."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import Shape, classified
from services.groups.rules import attendance
from services.groups.schemas.sessions import SessionView

MOST_LINES = 1000


class Entry(Shape):
    """What is on record of one man; minutes where the programme counts hours."""

    signup_id = classified(fields.UUID(required=True), "internal")
    code = classified(fields.String(required=True, validate=validate.OneOf(attendance.CODES)), "personal")
    minutes = classified(
        fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(0, 1440)), "personal"
    )


class NewAttendance(Shape):
    """All men of the evening in one form; `headcount` where nobody is named, `reason` once the meeting is closed."""

    entries = classified(
        fields.List(fields.Nested(Entry), load_default=list, validate=validate.Length(0, MOST_LINES)), "personal"
    )
    headcount = classified(
        fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(0, 10_000)), "internal"
    )
    reason = classified(
        fields.String(load_default=None, allow_none=True, validate=validate.OneOf(attendance.CORRECTION_REASONS)),
        "internal",
    )


class SheetLine(Shape):
    """One man on the list of an evening: by alias; the code is null before anything was entered."""

    signup_id = classified(fields.UUID(required=True), "internal")
    alias = classified(fields.String(required=True), "personal")
    language = classified(fields.String(required=True, allow_none=True), "personal")
    state = classified(fields.String(required=True), "internal")
    code = classified(fields.String(required=True, allow_none=True), "personal")
    minutes = classified(fields.Integer(required=True, allow_none=True), "personal")
    apology = classified(fields.Boolean(required=True), "personal")


class SheetView(SessionView):
    """The list of an evening."""

    headcount = classified(fields.Integer(required=True, allow_none=True), "internal")
    lines = classified(fields.List(fields.Nested(SheetLine), required=True), "personal")


ATTENDANCE_EXAMPLE = {"entries": [], "headcount": 12}
