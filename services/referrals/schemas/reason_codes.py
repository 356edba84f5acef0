"""Shapes of reason codes as reference data, in and out."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import Shape, classified
from services.referrals.rules import reasons


class CodesQuery(Shape):
    """Which list, which language alone, and the codes of which day; without a day those of today."""

    list = classified(fields.String(load_default=None, validate=validate.OneOf(reasons.LISTS)), "public")
    lang = classified(fields.String(load_default=None, validate=validate.OneOf(reasons.LANGUAGES)), "public")
    on = classified(fields.Date(load_default=None), "public")


class ReasonCode(Shape):
    """One code: to whom it is attributed, what helps next, as what it is told outside, when it counts, its labels."""

    list_ = classified(fields.String(required=True, data_key="list", attribute="list"), "public")
    code = classified(fields.String(required=True), "public")
    attribution = classified(fields.String(required=True, allow_none=True), "public")
    redirect = classified(fields.String(required=True, allow_none=True), "public")
    outward = classified(fields.String(required=True), "public")
    effective_from = classified(fields.Date(required=True), "public")
    effective_to = classified(fields.Date(required=True, allow_none=True), "public")
    labels = classified(fields.Dict(keys=fields.String(), values=fields.String(), required=True), "public")


class ReasonCodes(Shape):
    """The codes in force on a day."""

    on = classified(fields.Date(required=True), "public")
    codes = classified(fields.List(fields.Nested(ReasonCode), required=True), "public")
