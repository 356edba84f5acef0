"""Shapes of what is written down about a case, in and out."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from chassis.paging import DEFAULT, MOST
from chassis.schema import Fault, Shape, classified
from services.referrals import schemas
from services.referrals.rules import codes, record
from services.referrals.schemas.contact import Contact
from services.referrals.schemas.parts import NAME, REFERENCE, TEXT, Party, once_each
from services.referrals.schemas.rights import SUBJECT, ReasonQuery
from services.referrals.schemas.transitions import EARLIEST, Attendance

MOST_NAMED = 50
MOST_OUTCOMES = 20
MOST_MINUTES = 24 * 60


def _code(known: tuple[str, ...]) -> fields.String:
    return classified(fields.String(required=True, validate=validate.OneOf(known)), "sealed")


def _remark() -> fields.String:
    return classified(fields.String(load_default=None, allow_none=True, validate=TEXT), "sealed")


class NewNote(Shape):
    """A note, and who reads it: both parties, the own organisation, or named members of it and its author."""

    text = classified(fields.String(required=True, validate=TEXT), "sealed")
    visibility = classified(fields.String(required=True, validate=validate.OneOf(record.VISIBILITIES)), "internal")
    named = classified(
        fields.List(
            fields.String(validate=SUBJECT), load_default=list, validate=[validate.Length(max=MOST_NAMED), once_each]
        ),
        "internal",
    )

    @validates_schema
    def names_whom_it_is_for(self, value: dict[str, Any], **_: object) -> None:
        """Members are named for the visibility `named`, and for no other."""
        if (value["visibility"] == record.NAMED) != bool(value["named"]):
            message = "Name members with the visibility `named`, and with no other."
            raise ValidationError({"named": [Fault("note.named", message)]})


class NewAttempt(Shape):
    """One try to reach the person: when, by which channel, with what outcome; `by_alias` without saying who calls."""

    attempted_at = classified(fields.AwareDateTime(required=True, default_timezone=None), "sealed")
    channel = _code(record.CHANNELS)
    outcome = _code(codes.ATTEMPT_OUTCOMES)
    by_alias = classified(fields.Boolean(load_default=False, truthy={True}, falsy={False}), "sealed")
    text = _remark()


class NewSession(Shape):
    """One meeting by hand: which one, when, how he took part, how long it was; never where or with whom."""

    number = classified(fields.Integer(required=True, strict=True, validate=validate.Range(1, 1000)), "internal")
    held_on = classified(fields.Date(required=True, validate=EARLIEST), "sealed")
    attended = _code(codes.ATTENDANCES)
    minutes = classified(fields.Integer(required=True, strict=True, validate=validate.Range(1, MOST_MINUTES)), "sealed")


def _answer() -> fields.String:
    return classified(fields.String(validate=validate.OneOf(record.ANSWERS)), "offence")


class Risks(Shape):
    """Items of the risk screen with their answers (rules/record.py names them)."""

    danger_to_others = _answer()
    danger_to_self = _answer()
    children_in_household = _answer()
    weapons = _answer()
    protection_order = _answer()
    staff_safety = _answer()

    @validates_schema
    def answers_something(self, value: dict[str, Any], **_: object) -> None:
        """Without an answer nothing changed."""
        if not value:
            raise ValidationError(Fault("risk.empty", "Name an item whose answer changed."))


class NewRisk(Shape):
    """Answers that changed, each yes, no or unknown; what is not named stays as it was."""

    risks = classified(fields.Nested(Risks, required=True), "offence")
    text = _remark()


class NewDropOut(Shape):
    """He does not come any more, before anybody has ended the case: why, and since when."""

    reason = _code(codes.DROP_OUTS)
    since = classified(fields.Date(required=True, validate=EARLIEST), "sealed")
    text = _remark()


class Amendment(Shape):
    """Fields of the referral that the sender puts right, and why; where it goes and its contract stay as they are."""

    because = classified(fields.String(required=True, validate=TEXT), "sealed")
    person = classified(fields.Nested(schemas.Person), "sealed")
    contact = classified(fields.Nested(Contact, allow_none=True), "sealed")
    contact_via = classified(fields.String(allow_none=True, validate=validate.OneOf(codes.CONTACT_VIA)), "sealed")
    needs = classified(
        fields.List(fields.String(validate=validate.OneOf(codes.NEEDS)), validate=[validate.Length(1, 11), once_each]),
        "sealed",
    )
    reason = classified(fields.String(validate=TEXT), "sealed")
    order_reference = classified(fields.String(allow_none=True, validate=REFERENCE), "offence")
    person_informed = classified(fields.String(validate=validate.OneOf(codes.INFORMED)), "sealed")
    desired_outcomes = classified(
        fields.List(fields.String(validate=NAME), validate=validate.Length(max=MOST_OUTCOMES)), "sealed"
    )

    warning = classified(fields.String(allow_none=True, validate=TEXT), "sealed")

    @validates_schema
    def amends_something(self, value: dict[str, Any], **_: object) -> None:
        """A reason alone changes nothing."""
        if len(value) == 1:
            raise ValidationError({"because": [Fault("amendment.empty", "Name a field that changes.")]})


class RecordQuery(ReasonQuery):
    """Which kind, where to go on and how many; a member of another unit says why he looks."""

    kind = classified(fields.String(load_default=None, validate=validate.OneOf(record.KINDS)), "public")
    cursor = classified(fields.String(load_default=None), "public")
    limit = classified(fields.Integer(load_default=DEFAULT, validate=validate.Range(1, MOST)), "public")


class EntryContent(Shape):
    """What was written down; dates are as they were sealed, ISO texts. Which fields there are depends on the kind."""

    text = classified(fields.String(allow_none=True), "sealed")
    attempted_at = classified(fields.String(), "sealed")
    channel = classified(fields.String(), "sealed")
    outcome = classified(fields.String(), "sealed")
    by_alias = classified(fields.Boolean(), "sealed")
    held_on = classified(fields.String(), "sealed")
    attended = classified(fields.String(), "sealed")
    minutes = classified(fields.Integer(), "sealed")
    risks = classified(fields.Nested(Risks), "offence")
    reason = classified(fields.String(), "sealed")
    since = classified(fields.String(), "sealed")
    attendance = classified(fields.Nested(Attendance), "sealed")


class EntryView(Shape):
    """One entry as the caller may read it; the other party's staff is never named."""

    id = classified(fields.UUID(required=True), "internal")
    kind = classified(fields.String(required=True, validate=validate.OneOf(record.KINDS)), "internal")
    at = classified(fields.AwareDateTime(required=True), "internal")
    by = classified(fields.Nested(Party, required=True), "internal")
    by_subject = classified(fields.String(required=True, allow_none=True), "internal")
    visibility = classified(fields.String(required=True, validate=validate.OneOf(record.VISIBILITIES)), "internal")
    named = classified(fields.List(fields.String(), required=True, allow_none=True), "internal")
    number = classified(fields.Integer(required=True, allow_none=True), "internal")
    signed_at = classified(fields.AwareDateTime(required=True, allow_none=True), "internal")
    content = classified(fields.Nested(EntryContent, required=True), "sealed")


NOTE_EXAMPLE = {"text": "Invented case: he prefers mornings.", "visibility": "own_org"}
ATTEMPT_EXAMPLE = {"attempted_at": "2025-11-20T10:00:00+02:00", "channel": "via", "outcome": "not_reached"}
SESSION_EXAMPLE = {"number": 1, "held_on": "2025-12-01", "attended": "attended", "minutes": 90}
RISK_EXAMPLE = {"risks": {"danger_to_others": "unknown"}, "text": "Invented case: he spoke of an old quarrel."}
DROP_OUT_EXAMPLE = {"reason": "disengaged", "since": "2025-12-08"}
AMENDMENT_EXAMPLE = {
    "because": "Invented case: the year was mistyped.",
    "person": {"name": "Demo Pavyzdys", "birth_year": 1986},
}
