"""How a person may be reached without harm: channels with what is allowed on each, and when (referrals.md section 11).

By hand channel, value and `safe` are enough; everything else that is not said is unknown, and unknown counts as unsafe.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import available_timezones

from marshmallow import ValidationError, fields, validate, validates_schema

from chassis import clock
from chassis.phones import phone_or_fault
from chassis.schema import Fault, Shape, classified, plain_text
from services.referrals.rules import codes
from services.referrals.schemas.parts import NAME

CLOCK = validate.Regexp(r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]\Z")
CLOCK_OR_END = validate.Regexp(r"^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)\Z")
SHORT = plain_text(1, 200)


def is_zone(name: str) -> None:
    """A time zone that has a calendar of its changes."""
    if name not in available_timezones():
        raise ValidationError(Fault("time_zone.unknown", "Name a time zone such as Europe/Vilnius."))


def is_past_moment(text: str) -> None:
    """When it was confirmed, as RFC 3339 with offset; nothing is confirmed in advance."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValidationError(Fault("time.form", "Give a time with offset, for example 2026-11-26T09:00:00+02:00."))
    if moment > clock.now():
        raise ValidationError(Fault("time.future", "A channel is confirmed when it was, not in advance."))


def _may() -> fields.Boolean:
    return classified(fields.Boolean(allow_none=True, truthy={True}, falsy={False}), "sealed")


class SafeTime(Shape):
    """A time of the week at which it is safe, by the clock of its zone: Monday is 1; 24:00 ends a day."""

    class Meta(Shape.Meta):
        """Fields whose names are words of Python; what is sealed has the names of what came in."""

        include = {
            "from": classified(fields.String(required=True, validate=CLOCK), "sealed"),
            "to": classified(fields.String(required=True, validate=CLOCK_OR_END), "sealed"),
        }

    weekday = classified(fields.Integer(required=True, strict=True, validate=validate.Range(1, 7)), "sealed")
    time_zone = classified(fields.String(required=True, validate=is_zone), "sealed")

    @validates_schema
    def ends_after_its_start(self, value: dict[str, Any], **_: object) -> None:
        """A time over midnight is two."""
        if value["to"] <= value["from"]:
            raise ValidationError({"to": [Fault("time.order", "It ends after it begins; over midnight it is two.")]})


class Channel(Shape):
    """One channel; `safe: unknown` counts as unsafe: nobody writes or rings there without a trained worker."""

    channel = classified(fields.String(required=True, validate=validate.OneOf(codes.CHANNELS)), "sealed")
    value = classified(fields.String(required=True, validate=plain_text(3, 200)), "sealed")
    safe = classified(fields.String(required=True, validate=validate.OneOf(codes.SAFE)), "sealed")
    may_call = _may()
    may_text = _may()
    may_leave_voicemail = _may()
    may_say_who_we_are = _may()
    may_post = _may()
    safe_times = classified(
        fields.List(fields.Nested(SafeTime), allow_none=True, validate=validate.Length(1, codes.MOST_SAFE_TIMES)),
        "sealed",
    )
    unsafe_if_answered_by = classified(fields.String(allow_none=True, validate=SHORT), "sealed")
    verified_at = classified(fields.String(allow_none=True, validate=is_past_moment), "sealed")
    verified_by = classified(fields.String(allow_none=True, validate=NAME), "sealed")

    @validates_schema
    def phone_is_international(self, value: dict[str, Any], **_: object) -> None:
        """A phone number is E.164 (http-api.md, Time and numbers)."""
        if value["channel"] == "phone":
            phone_or_fault(value["value"], field="value")


class Contact(Channel):
    """The first channel, further ones, and what counts for all of them."""

    further = classified(
        fields.List(fields.Nested(Channel), validate=validate.Length(0, codes.MOST_CHANNELS)), "sealed"
    )
    do_not_contact = _may()
