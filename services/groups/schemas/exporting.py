"""Shapes of files and calendars."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import Shape, classified
from services.groups.rules import calendar, exporting
from services.groups.rules.sessions import MOST
from services.groups.schemas.signing_up import Card


class ExportQuery(Shape):
    """What the file is for; it is on record."""

    purpose = classified(fields.String(load_default="print", validate=validate.OneOf(exporting.PURPOSES)), "internal")


class CalendarLanguage(Shape):
    """In which language a meeting is called a meeting."""

    language = classified(fields.String(load_default="en", validate=validate.OneOf(tuple(calendar.WORDS))), "public")


class CardCalendar(Card):
    """The same, by the man's card."""

    language = classified(fields.String(load_default="en", validate=validate.OneOf(tuple(calendar.WORDS))), "public")


class CardApology(Card):
    """To which meeting he will not come."""

    session_no = classified(fields.Integer(required=True, strict=True, validate=validate.Range(1, MOST)), "internal")


class CalendarAddress(Shape):
    """The path of the calendar behind the network's own address; null where there is none any more.

    Whoever has it sees when the group meets. It names no group and no place; a calendar program may show it to others
    who use the same device.
    """

    path = classified(fields.String(required=True, allow_none=True), "sealed")
