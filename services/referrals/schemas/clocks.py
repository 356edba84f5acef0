"""Shapes of clocks, of tasks and of a service's own figures, in and out."""

from __future__ import annotations

import datetime as dt

from marshmallow import fields, validate

from chassis.paging import DEFAULT, MOST
from chassis.schema import Shape, classified
from services.referrals.rules import codes, tasks
from services.referrals.rules.clock_table import CODES, DAYS, HOURS, WORKING_DAYS
from services.referrals.rules.clocks import FOUR_FIFTHS, HALF, PASSED
from services.referrals.rules.lifecycle import RECEIVER, SENDER
from services.referrals.schemas.parts import REFERENCE, Party

EARLIEST = validate.Range(min=dt.date(2020, 1, 1))
UNIT = validate.OneOf((HOURS, WORKING_DAYS, DAYS))


def _side() -> fields.String:
    return classified(fields.String(required=True, validate=validate.OneOf((SENDER, RECEIVER))), "internal")


def _clock() -> fields.String:
    return classified(fields.String(required=True, validate=validate.OneOf(CODES)), "internal")


def _urgency() -> fields.String:
    return classified(fields.String(required=True, validate=validate.OneOf(codes.URGENCIES)), "internal")


class RunningClock(Shape):
    """What is waited for and until when; `overdue` and `warning` are as of the moment of the answer."""

    clock = _clock()
    turn = _side()
    started_at = classified(fields.AwareDateTime(required=True), "internal")
    due_at = classified(fields.AwareDateTime(required=True), "internal")
    overdue = classified(fields.Boolean(required=True), "internal")
    warning = classified(
        fields.String(required=True, allow_none=True, validate=validate.OneOf((HALF, FOUR_FIFTHS, PASSED))), "internal"
    )
    paused = classified(fields.Boolean(required=True), "internal")


class Warned(Shape):
    """Something the sender has to know at once."""

    code = classified(fields.String(required=True), "internal")
    text = classified(fields.String(required=True), "internal")


class Review(Shape):
    """When the interest in a place, or a pause, is looked at again; the house's time where no day is given."""

    review_on = classified(fields.Date(load_default=None, allow_none=True, validate=EARLIEST), "internal")


class TaskQuery(Shape):
    """Open tasks or done ones, of one kind, where to go on, and how many."""

    done = classified(fields.Boolean(load_default=False), "public")
    kind = classified(fields.String(load_default=None, validate=validate.OneOf(tuple(tasks.KINDS))), "public")
    cursor = classified(fields.String(load_default=None), "public")
    limit = classified(fields.Integer(load_default=DEFAULT, validate=validate.Range(1, MOST)), "public")


class Done(Shape):
    """Nothing needs to be said."""


class TaskView(Shape):
    """One task: about which referral, of which kind, for whom, until when; nothing about the person."""

    id = classified(fields.UUID(required=True), "internal")
    referral_id = classified(fields.UUID(required=True), "internal")
    side = _side()
    kind = classified(fields.String(required=True, validate=validate.OneOf(tuple(tasks.KINDS))), "internal")
    for_role = classified(fields.String(required=True, validate=validate.OneOf(tasks.ROLES)), "internal")
    text = classified(fields.String(required=True), "internal")
    urgency = classified(fields.String(required=True), "internal")
    state = classified(fields.String(required=True), "internal")
    due_at = classified(fields.AwareDateTime(required=True), "internal")
    overdue = classified(fields.Boolean(required=True), "internal")
    created_at = classified(fields.AwareDateTime(required=True), "internal")
    done_at = classified(fields.AwareDateTime(required=True, allow_none=True), "internal")
    done_by = classified(fields.String(required=True, allow_none=True), "internal")


class NewSetting(Shape):
    """A service's own figure for a clock and an urgency, in the clock's own unit, from a day on (today by default)."""

    service = classified(fields.String(required=True, validate=REFERENCE), "public")
    clock = _clock()
    urgency = _urgency()
    amount = classified(fields.Integer(required=True, strict=True, validate=validate.Range(1, 1000)), "internal")
    effective_on = classified(fields.Date(load_default=None, allow_none=True, validate=EARLIEST), "internal")


class Figure(Shape):
    """The house's figure for a clock and an urgency, and between which limits a service may set its own."""

    clock = _clock()
    urgency = _urgency()
    amount = classified(fields.Integer(required=True), "public")
    unit = classified(fields.String(required=True, validate=UNIT), "public")
    least = classified(fields.Integer(required=True), "public")
    most = classified(fields.Integer(required=True), "public")


class Setting(Shape):
    """A service's own figure, since when, and who set it."""

    service = classified(fields.Nested(Party, required=True), "internal")
    clock = _clock()
    urgency = _urgency()
    amount = classified(fields.Integer(required=True), "internal")
    effective_on = classified(fields.Date(required=True), "internal")
    set_at = classified(fields.AwareDateTime(required=True), "internal")
    set_by = classified(fields.String(required=True), "internal")


class ClockSettings(Shape):
    """The house's figures that a service may change, and those that this organisation has set."""

    figures = classified(fields.List(fields.Nested(Figure), required=True), "internal")
    settings = classified(fields.List(fields.Nested(Setting), required=True), "internal")


SETTING_EXAMPLE = {
    "service": "lt-kavkc-behaviour-change",
    "clock": "C2",
    "urgency": "standard",
    "amount": 4,
}
