"""Shapes of linking a man to a person and of keeping two apart."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import Shape, classified, plain_text
from services.groups.rules import apart

BORN = validate.Range(1900, 2100)


class Person(Shape):
    """Who he is, to be known again; neither is kept."""

    name = classified(fields.String(required=True, validate=plain_text(1, 200)), "sealed")
    birth_year = classified(fields.Integer(required=True, strict=True, validate=BORN), "sealed")


class KeepApart(Shape):
    """A linked sign-up, and the other man by his sign-up or as a person."""

    signup_id = classified(fields.UUID(required=True), "internal")
    other_signup_id = classified(fields.UUID(load_default=None, allow_none=True), "internal")
    other = classified(fields.Nested(Person, load_default=None, allow_none=True), "sealed")
    reason = classified(fields.String(required=True, validate=validate.OneOf(apart.REASONS)), "personal")


class PairView(Shape):
    """Two persons who are kept apart, and their live sign-ups."""

    id = classified(fields.UUID(required=True), "internal")
    reason = classified(fields.String(required=True), "personal")
    at = classified(fields.AwareDateTime(required=True), "internal")
    signup_ids = classified(fields.List(fields.UUID(), required=True), "internal")


class PairEnded(Shape):
    """Which pair is none any more."""

    id = classified(fields.UUID(required=True), "internal")


PERSON_EXAMPLE = {"name": "Demo Pavyzdys", "birth_year": 1985}
APART_EXAMPLE = {
    "signup_id": "018f0000-0000-7000-8000-000000000002",
    "other": {"name": "Demo Kitas", "birth_year": 1979},
    "reason": "relatives",
}
