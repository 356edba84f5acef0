"""What each transition needs to be told, and how that is shown again (referrals.md section 3, required fields)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from chassis.schema import Fault, Shape, classified
from services.referrals.rules import codes
from services.referrals.schemas.parts import AREA, NAME, REFERENCE, TEXT, once_each

EARLIEST = validate.Range(min=dt.date(2020, 1, 1))
COUNT = validate.Range(0, 1000)


def _day(*, required: bool = True) -> fields.Date:
    if required:
        return classified(fields.Date(required=True, validate=EARLIEST), "sealed")
    return classified(fields.Date(load_default=None, allow_none=True, validate=EARLIEST), "sealed")


def _text(*, required: bool = False) -> fields.String:
    if required:
        return classified(fields.String(required=True, validate=TEXT), "sealed")
    return classified(fields.String(load_default=None, allow_none=True, validate=TEXT), "sealed")


def _code(known: tuple[str, ...]) -> fields.String:
    return classified(fields.String(required=True, validate=validate.OneOf(known)), "sealed")


class Nothing(Shape):
    """Nothing needs to be said."""


class _Reasoned(Shape):
    text = _text()

    @validates_schema
    def other_is_explained(self, value: dict[str, Any], **_: object) -> None:
        """The code "other" says nothing without a text."""
        if value.get("reason") == "other" and value["text"] is None:
            raise ValidationError({"text": [Fault("required", "The reason `other` needs a text.")]})


class Question(Shape):
    """What the receiver needs to know before it can go on (T05): the question and the fields that it is about."""

    question = _text(required=True)
    fields_ = classified(
        fields.List(
            fields.String(validate=validate.OneOf(codes.ASKED_FIELDS)),
            load_default=list,
            data_key="fields",
            attribute="fields",
            validate=[validate.Length(max=20), once_each],
        ),
        "sealed",
    )


class Answer(Shape):
    """The sender's answer (T06)."""

    answer = _text(required=True)


class Assessment(Shape):
    """Who assesses, and until when (T07)."""

    assessor = classified(fields.String(required=True, validate=NAME), "sealed")
    planned_on = _day()


class Acceptance(Shape):
    """Who takes it on, and when the next step is (T08)."""

    responsible = classified(fields.String(required=True, validate=NAME), "sealed")
    next_step_on = _day()


class Declination(_Reasoned):
    """Why the receiver says no (T09); the text stays with the receiver."""

    reason = _code(codes.DECLINE_REASONS)
    suggested_service = classified(fields.String(load_default=None, allow_none=True, validate=REFERENCE), "internal")


class Forwarding(_Reasoned):
    """To which service it is passed on, and why (T10)."""

    service = classified(fields.String(required=True, validate=REFERENCE), "public")
    reason = _code(codes.FORWARD_REASONS)


class Waitlisting(Shape):
    """When a place is expected (null: unknown), and when that is looked at again (T11)."""

    expected_on = classified(fields.Date(required=True, allow_none=True, validate=EARLIEST), "sealed")
    review_on = _day()


class PlaceOffer(Shape):
    """Which place, and until when the man may answer (T12); neither leaves the receiver."""

    place = classified(fields.String(required=True, validate=NAME), "sealed")
    answer_by = classified(fields.AwareDateTime(required=True, default_timezone=None), "sealed")


class Start(Shape):
    """The day of the start: the first meeting that he attended, or handed over to a peer group (T13)."""

    started_on = _day()
    how = _code(codes.STARTS)


class Return(Shape):
    """Why he goes back to the waiting list (T14)."""

    text = _text(required=True)
    review_on = _day()


class Hold(_Reasoned):
    """Why it pauses, and when that is looked at again (T15)."""

    reason = _code(codes.HOLD_REASONS)
    review_on = _day()


class Goal(Shape):
    """How far one goal was reached."""

    goal = classified(fields.String(required=True, validate=NAME), "sealed")
    level = _code(codes.GOAL_LEVELS)


class Attendance(Shape):
    """How many meetings were held for him, and how many of them he attended, excused himself from or missed."""

    held = classified(fields.Integer(required=True, strict=True, validate=COUNT), "sealed")
    attended = classified(fields.Integer(required=True, strict=True, validate=COUNT), "sealed")
    excused = classified(fields.Integer(required=True, strict=True, validate=COUNT), "sealed")
    absent = classified(fields.Integer(required=True, strict=True, validate=COUNT), "sealed")

    @validates_schema
    def adds_up(self, value: dict[str, Any], **_: object) -> None:
        """Each meeting counts once."""
        if value["attended"] + value["excused"] + value["absent"] != value["held"]:
            message = "attended, excused and absent together must be the number of meetings held."
            raise ValidationError({"held": [Fault("attendance.sum", message)]})


class Completion(Shape):
    """What came of it (T17); without `attendance` the recorded sessions are counted."""

    ended_on = _day()
    outcome = _code(codes.OUTCOMES)
    goals = classified(fields.List(fields.Nested(Goal), load_default=list, validate=validate.Length(max=20)), "sealed")
    attendance = classified(fields.Nested(Attendance, load_default=None, allow_none=True), "sealed")


class Ending(_Reasoned):
    """Why it stopped early (T18)."""

    reason = _code(codes.END_REASONS)


class Withdrawal(_Reasoned):
    """Why the sender takes it back (T19)."""

    reason = _code(codes.WITHDRAW_REASONS)


class Revocation(Shape):
    """Who told of it that consent is withdrawn, when he did, and whether he stays with the service as his own (T20)."""

    reported_by = _code(codes.REPORTERS)
    revoked_at = classified(fields.AwareDateTime(required=True, default_timezone=None), "sealed")
    stays_with_service = classified(
        fields.Boolean(load_default=None, allow_none=True, truthy={True}, falsy={False}), "sealed"
    )


class Note(Shape):
    """Why it is opened again or a decision taken back (T23, T24)."""

    note = _text(required=True)


class Correction(Shape):
    """Why it must not have existed (T25)."""

    text = _text(required=True)


class ConcernOutcome(Shape):
    """What the authority did with a child concern (T26)."""

    note = _text(required=True)
    outcome = _code(codes.CONCERN_OUTCOMES)


class Resending(Shape):
    """To which service or organisation the same referral goes next, as a new leg."""

    service = classified(fields.String(load_default=None, allow_none=True, validate=REFERENCE), "public")
    receiver = classified(fields.String(load_default=None, allow_none=True, validate=REFERENCE), "public")
    area = classified(fields.String(load_default=None, allow_none=True, validate=AREA), "internal")
    urgency = classified(fields.String(load_default=None, validate=validate.OneOf(codes.URGENCIES)), "internal")

    @validates_schema
    def goes_somewhere(self, value: dict[str, Any], **_: object) -> None:
        """A service or a receiver is named."""
        named = value["service"] is not None or value["receiver"] is not None
        if named == (value["area"] is not None):
            message = "Name the service or the receiving organisation, by key or id, or else an area."
            raise ValidationError({"service": [Fault("required", message)]})


class Details(Shape):
    """What was said with steps, as far as the reader's side may know it; dates are as they were sealed, ISO texts."""

    responsible = classified(fields.String(), "sealed")
    next_step_on = classified(fields.String(), "sealed")
    text = classified(fields.String(allow_none=True), "sealed")
    suggested_service = classified(fields.String(allow_none=True), "internal")
    question = classified(fields.String(), "sealed")
    fields_ = classified(fields.List(fields.String(), data_key="fields", attribute="fields"), "sealed")
    answer = classified(fields.String(), "sealed")
    assessor = classified(fields.String(), "sealed")
    planned_on = classified(fields.String(), "sealed")
    service = classified(fields.String(), "internal")
    new_referral_id = classified(fields.String(), "internal")
    expected_on = classified(fields.String(allow_none=True), "sealed")
    review_on = classified(fields.String(), "sealed")
    place = classified(fields.String(), "sealed")
    answer_by = classified(fields.String(), "sealed")
    started_on = classified(fields.String(), "sealed")
    how = classified(fields.String(), "sealed")
    ended_on = classified(fields.String(), "sealed")
    outcome = classified(fields.String(), "sealed")
    goals = classified(fields.List(fields.Nested(Goal)), "sealed")
    attendance = classified(fields.Nested(Attendance), "sealed")
    reported_by = classified(fields.String(), "sealed")
    revoked_at = classified(fields.String(), "sealed")
    stays_with_service = classified(fields.Boolean(), "sealed")
    note = classified(fields.String(), "sealed")
    because = classified(fields.String(), "sealed")
    before = classified(fields.Dict(keys=fields.String()), "sealed")


SHAPES: dict[str, type[Schema]] = {
    "acknowledge": Nothing,
    "request_info": Question,
    "provide_info": Answer,
    "start_assessment": Assessment,
    "accept": Acceptance,
    "decline": Declination,
    "forward": Forwarding,
    "waitlist": Waitlisting,
    "offer_place": PlaceOffer,
    "start": Start,
    "return_to_list": Return,
    "hold": Hold,
    "resume": Nothing,
    "complete": Completion,
    "end": Ending,
    "withdraw": Withdrawal,
    "revoke_consent": Revocation,
    "revive": Nothing,
    "reopen": Note,
    "undo_decision": Note,
    "mark_error": Correction,
    "close_concern": ConcernOutcome,
    "submit": Nothing,
    "discard": Nothing,
}
"""The body of POST /referrals/{id}/{action}."""

EXAMPLES: dict[str, dict[str, Any]] = {
    **{action: {} for action, shape in SHAPES.items() if shape is Nothing},
    "request_info": {"question": "Which day suits him for a first talk?", "fields": ["contact"]},
    "provide_info": {"answer": "Invented case: any weekday after four."},
    "start_assessment": {"assessor": "Intake team", "planned_on": "2026-12-08"},
    "accept": {"responsible": "Intake team", "next_step_on": "2026-12-01"},
    "decline": {"reason": "no_capacity"},
    "forward": {"service": "lt-kapvc-consultations", "reason": "other_service_better"},
    "waitlist": {"expected_on": None, "review_on": "2026-12-22"},
    "offer_place": {"place": "Autumn group", "answer_by": "2026-12-10T12:00:00+02:00"},
    "start": {"started_on": "2026-12-14", "how": "first_session"},
    "return_to_list": {"text": "Invented case: the group was moved to the spring.", "review_on": "2027-01-11"},
    "hold": {"reason": "health", "review_on": "2027-01-11"},
    "complete": {
        "ended_on": "2027-03-01",
        "outcome": "completed",
        "goals": [{"goal": "Leaves a quarrel in time", "level": "achieved"}],
        "attendance": {"held": 12, "attended": 11, "excused": 1, "absent": 0},
    },
    "end": {"reason": "moved"},
    "withdraw": {"reason": "circumstances_changed"},
    "revoke_consent": {"reported_by": "person", "revoked_at": "2026-12-02T10:00:00+02:00"},
    "reopen": {"note": "Invented case: he came back after a week."},
    "undo_decision": {"note": "Invented case: the wrong line was taken."},
    "mark_error": {"text": "Invented case: typed in twice."},
    "close_concern": {"note": "Invented case: a visit was made.", "outcome": "taken_up"},
}
"""One body for each transition, for the specification and the tests."""
