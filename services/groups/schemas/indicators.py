"""Shapes of indicators."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import Shape, classified


class IndicatorQuery(Shape):
    """Of which fixed period (2027, 2027-H1, 2027-Q2, 2027-05; without one this year), by programme or by funder."""

    period = classified(fields.String(load_default=None, validate=validate.Length(4, 7)), "public")
    by = classified(fields.String(load_default="programme", validate=validate.OneOf(("programme", "funder"))), "public")


def _figure() -> fields.Integer:
    return classified(fields.Integer(required=True, allow_none=True), "internal")


class IndicatorLine(Shape):
    """One programme or funder; null is a figure that is too small to be told, or that would tell one that is."""

    key = classified(fields.String(required=True), "internal")
    groups_started = _figure()
    places_planned = _figure()
    meetings_held = _figure()
    signed_up = _figure()
    reached = _figure()
    completed = _figure()
    left = _figure()
    redirected = _figure()
    lapsed = _figure()
    visits = _figure()


class Indicators(Shape):
    """The figures of a period; the last line is the total, of figures that were rounded before."""

    period = classified(fields.String(required=True), "public")
    by = classified(fields.String(required=True), "public")
    lines = classified(fields.List(fields.Nested(IndicatorLine), required=True), "internal")
