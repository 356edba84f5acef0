"""Shapes of reports: a period, a side, a grouping, and lines whose small figures are null."""

from __future__ import annotations

import datetime as dt
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from chassis.schema import Fault, Shape, classified
from services.referrals.rules.lifecycle import RECEIVER, SENDER
from services.referrals.rules.reporting import REPORTS

LONGEST = dt.timedelta(days=1100)


class ReportQuery(Shape):
    """Of which side, for what was sent from a day until before another (at most three years), by month or partner.

    Without days it is the year until today; without a side the receiving one, or the one that the caller leads.
    """

    side = classified(fields.String(load_default=None, validate=validate.OneOf((SENDER, RECEIVER))), "public")
    since = classified(fields.Date(load_default=None), "public")
    until = classified(fields.Date(load_default=None), "public")
    by = classified(fields.String(load_default="month", validate=validate.OneOf(("month", "organisation"))), "public")

    @validates_schema
    def is_a_period(self, value: dict[str, Any], **_: object) -> None:
        """It has a beginning before its end, and is not too long."""
        since, until = value["since"], value["until"]
        if (since is None) != (until is None):
            missing = "until" if until is None else "since"
            raise ValidationError({missing: [Fault("required", "Give both days, or neither for the last year.")]})
        if since is not None and not dt.timedelta(0) < until - since <= LONGEST:
            message = f"Expected a day after `since`, at most {LONGEST.days} days later."
            raise ValidationError({"until": [Fault("period.invalid", message)]})


def _count() -> fields.Integer:
    return classified(fields.Integer(allow_none=True), "internal")


class ReportLine(Shape):
    """One line; null is a figure that is too small to be told, or that would tell one that is."""

    group = classified(fields.String(required=True), "internal")
    total = _count()
    received = _count()
    accepted = _count()
    waitlisted = _count()
    started = _count()
    completed = _count()
    ended = _count()
    declined = _count()
    forwarded = _count()
    withdrawn = _count()
    expired = _count()
    state = classified(fields.String(), "internal")
    median_hours = classified(fields.Float(allow_none=True), "internal")
    slowest_tenth_hours = classified(fields.Float(allow_none=True), "internal")
    transition = classified(fields.String(), "internal")
    reason = classified(fields.String(), "internal")
    clock = classified(fields.String(), "internal")
    late = _count()
    late_now = _count()


class Report(Shape):
    """A report as it was asked for."""

    report = classified(fields.String(required=True, validate=validate.OneOf(REPORTS)), "internal")
    side = classified(fields.String(required=True), "internal")
    since = classified(fields.Date(required=True), "internal")
    until = classified(fields.Date(required=True), "internal")
    by = classified(fields.String(required=True), "internal")
    smallest = classified(fields.Integer(required=True), "internal")
    lines = classified(fields.List(fields.Nested(ReportLine), required=True), "internal")
