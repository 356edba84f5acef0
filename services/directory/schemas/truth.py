"""Shapes of what keeps the directory true: confirmations by link, watches, reports of wrong data."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.paging import DEFAULT, MOST
from chassis.schema import Shape, classified, plain_text
from services.directory.rules import codes, truth, words

INTERNAL, PUBLIC, PERSONAL = "internal", "public", "sealed"
WORDS = plain_text(1, 500, lines=True)
TOKEN = plain_text(1, 100)
MARK = validate.Length(1, 100)
FIELD = [validate.Length(1, 64), validate.Regexp(codes.CODE, error="The name of a field, such as phones.")]


class LinkHeld(Shape):
    """The token of a link."""

    token = classified(fields.String(required=True, validate=TOKEN), "sealed")


class LinkLooked(LinkHeld):
    """The same with the language of whoever looks."""

    language = classified(fields.String(load_default="en", validate=validate.OneOf(words.LANGUAGES)), PUBLIC)


class EntryView(Shape):
    """One entry as it stands, in lines that a person reads."""

    kind = classified(fields.String(required=True, validate=validate.OneOf(("organisation", "service"))), PUBLIC)
    name = classified(fields.String(required=True), PUBLIC)
    lines = classified(fields.List(fields.String(), required=True), INTERNAL)


class LinkShown(Shape):
    """What somebody is asked to look at."""

    organisation = classified(fields.String(required=True), PUBLIC)
    entries = classified(fields.List(fields.Nested(EntryView), required=True), INTERNAL)
    seen = classified(
        fields.String(required=True, metadata={"description": "What was shown; the answer says it again."}), INTERNAL
    )
    asked_on = classified(fields.Date(required=True), INTERNAL)
    expires_at = classified(fields.AwareDateTime(required=True), INTERNAL)


class LinkAnswer(LinkHeld):
    """All that was shown is right, or something is wrong and what."""

    seen = classified(fields.String(required=True, validate=TOKEN), INTERNAL)
    answer = classified(fields.String(required=True, validate=validate.OneOf((truth.CORRECT, truth.WRONG))), INTERNAL)
    text = classified(fields.String(load_default=None, allow_none=True, validate=WORDS), PERSONAL)


class LinkAnswered(Shape):
    """What was understood."""

    answer = classified(fields.String(required=True), INTERNAL)


class WatchView(Shape):
    """An entry that my organisation watches."""

    section = classified(fields.String(required=True), INTERNAL)
    mark = classified(fields.String(required=True), INTERNAL)
    since = classified(fields.AwareDateTime(), INTERNAL)


class WatchSet(Shape):
    """Whether it is watched now."""

    section = classified(fields.String(required=True), INTERNAL)
    mark = classified(fields.String(required=True), INTERNAL)
    watching = classified(fields.Boolean(required=True), INTERNAL)


class NewReport(Shape):
    """What is wrong with which entry. Nothing about persons who seek help."""

    section = classified(
        fields.String(required=True, validate=validate.OneOf(("organisations", "locations", "services"))), PUBLIC
    )
    mark = classified(fields.String(required=True, data_key="key", validate=MARK), PUBLIC)
    field = classified(fields.String(load_default=None, allow_none=True, validate=FIELD), PUBLIC)
    said = classified(fields.String(required=True, data_key="text", validate=WORDS), PERSONAL)


class ReportMade(Shape):
    """It was kept; the organisation hears of it."""

    id = classified(fields.UUID(required=True), INTERNAL)
    state = classified(fields.String(required=True), INTERNAL)


class ReportQuery(Shape):
    """Which reports."""

    state = classified(fields.String(load_default=None, validate=validate.OneOf(truth.REPORT_STATES)), PUBLIC)
    cursor = classified(fields.String(load_default=None), PUBLIC)
    limit = classified(fields.Integer(load_default=DEFAULT, validate=validate.Range(1, MOST)), PUBLIC)


class ReportView(ReportMade):
    """A report: about which entry, what somebody wrote (gone a month after it was closed), and who that was."""

    section = classified(fields.String(required=True), INTERNAL)
    mark = classified(fields.String(required=True, data_key="key"), INTERNAL)
    organisation = classified(fields.String(required=True), INTERNAL)
    field = classified(fields.String(required=True, allow_none=True), INTERNAL)
    said = classified(fields.String(required=True, allow_none=True, data_key="text"), PERSONAL)
    by_kind = classified(fields.String(required=True, data_key="by"), INTERNAL)
    at = classified(fields.AwareDateTime(required=True), INTERNAL)
    ended_at = classified(fields.AwareDateTime(required=True, allow_none=True), INTERNAL)
    ended_by = classified(fields.String(required=True, allow_none=True), INTERNAL)
    version = classified(fields.Integer(required=True), INTERNAL)


class Closing(Shape):
    """What became of it: mended, right as it was, or useless."""

    outcome = classified(fields.String(required=True, validate=validate.OneOf(truth.REPORT_STATES[1:])), INTERNAL)


REPORT_EXAMPLE = {
    "section": "services",
    "key": "lt-kavkc-behaviour-change",
    "field": "languages",
    "text": "They told me on the telephone that they speak English too.",
}
CLOSING_EXAMPLE = {"outcome": "mended"}
