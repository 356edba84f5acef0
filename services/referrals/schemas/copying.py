"""Shapes of the person's copy."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import Shape, classified
from services.referrals.rules import reasons


class CopyQuery(Shape):
    """The language of the person."""

    lang = classified(fields.String(load_default="en", validate=validate.OneOf(reasons.LANGUAGES)), "public")


class CopyPart(Shape):
    """A heading, null for the last lines, and what stands under it."""

    heading = classified(fields.String(required=True, allow_none=True), "public")
    lines = classified(fields.List(fields.String(), required=True), "sealed")


class Copy(Shape):
    """The person's copy in his language; `demo` is the mark of an installation that holds no real cases."""

    lang = classified(fields.String(required=True), "public")
    title = classified(fields.String(required=True), "public")
    demo = classified(fields.String(required=True, allow_none=True), "public")
    parts = classified(fields.List(fields.Nested(CopyPart), required=True), "sealed")
