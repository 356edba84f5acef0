"""Shapes of meetings: the proposed series, meetings as they stand, and what may be done with them."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import Shape, classified
from services.groups.rules import sessions
from services.groups.schemas.parts import KEY

WALL_TIME = "%Y-%m-%dT%H:%M"
_FORM = "Wall time of the group's zone without an offset, such as 2027-01-11T18:00."


def wall_time() -> fields.NaiveDateTime:
    """A local time without an offset, to the minute."""
    shape = {"description": _FORM, "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}$"}
    return fields.NaiveDateTime(required=True, format=WALL_TIME, metadata=shape)


class ProposedSession(Shape):
    """One meeting of the proposed series; a skipped one falls on a holiday and is made up for at the end."""

    local_start = classified(wall_time(), "public")
    starts_at = classified(fields.AwareDateTime(required=True), "public")
    holiday = classified(fields.Boolean(required=True), "public")
    skipped = classified(fields.Boolean(required=True), "public")
    shifted = classified(fields.Boolean(required=True), "public")


class SessionView(Shape):
    """A meeting: the local time is its truth, the moment follows from it."""

    no = classified(fields.Integer(required=True), "public")
    local_start = classified(wall_time(), "public")
    tz = classified(fields.String(required=True), "public")
    starts_at = classified(fields.AwareDateTime(required=True), "public")
    ends_at = classified(fields.AwareDateTime(required=True), "public")
    minutes = classified(fields.Integer(required=True), "public")
    state = classified(fields.String(required=True, validate=validate.OneOf(sessions.STATES)), "public")
    topic_key = classified(fields.String(required=True, allow_none=True), "internal")
    catches_up = classified(fields.Integer(required=True, allow_none=True), "internal")
    version = classified(fields.Integer(required=True), "internal")


class SessionsView(Shape):
    """All meetings of a group."""

    items = classified(fields.List(fields.Nested(SessionView), required=True), "internal")
    next = classified(fields.String(required=True, allow_none=True), "public")


class Series(Shape):
    """Holidays on which the group meets all the same."""

    keep = classified(fields.List(fields.Date(), load_default=list, validate=validate.Length(0, 60)), "public")


class NewSession(Shape):
    """One more meeting; `catches_up` is the number of the one that somebody missed."""

    local_start = classified(wall_time(), "public")
    topic_key = classified(fields.String(load_default=None, allow_none=True, validate=KEY), "internal")
    catches_up = classified(
        fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(1, sessions.MOST)),
        "internal",
    )


class Moving(Shape):
    """Another time, and another length if it is said."""

    local_start = classified(wall_time(), "public")
    minutes = classified(
        fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(15, 600)), "public"
    )


NEW_SESSION_EXAMPLE = {"local_start": "2027-03-29T18:00"}
MOVING_EXAMPLE = {"local_start": "2027-01-12T18:00"}
