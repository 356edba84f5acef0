"""Shapes of referrals, in and out; every field carries its class (access-and-privacy.md section 6)."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, types, validate, validates_schema

from chassis import clock
from chassis.paging import DEFAULT, MOST
from chassis.schema import Fault, Shape, classified, plain_text
from services.referrals.rules import codes, feedback, lifecycle, reasons
from services.referrals.schemas.clocks import RunningClock, Warned
from services.referrals.schemas.contact import Contact
from services.referrals.schemas.legal import LegalBasis, LegalBasisView
from services.referrals.schemas.parts import AREA, LANGUAGE, NAME, REFERENCE, TEXT, Party, once_each
from services.referrals.schemas.rights import ReasonQuery
from services.referrals.schemas.transitions import Attendance, Details

OLDEST = 1900
CODE = validate.Regexp(r"\A[a-z][a-z0-9_]{0,63}\Z", error="Expected a code in small letters.")


def is_past_year(year: int) -> None:
    """Nobody is born in a year to come; read when a referral comes, not when this module is loaded."""
    if year > clock.now().year:
        raise ValidationError(Fault("year.future", "This year has not come yet."))


class Person(Shape):
    """Who is referred: a name or a pseudonym, and a year of birth."""

    name = classified(fields.String(required=True, validate=NAME), "sealed")
    birth_year = classified(
        fields.Integer(required=True, strict=True, validate=[validate.Range(min=OLDEST), is_past_year]), "sealed"
    )

    birth_date = classified(fields.Date(allow_none=True), "sealed")
    gender = classified(fields.String(allow_none=True, validate=validate.OneOf(codes.GENDERS)), "sealed")
    national_id = classified(fields.String(allow_none=True, validate=plain_text(4, 30)), "sealed")

    @validates_schema
    def years_agree(self, value: dict[str, Any], **_: object) -> None:
        """A date of birth lies in the year of birth."""
        born, year = value.get("birth_date"), value.get("birth_year")
        if born is not None and year is not None and born.year != year:
            raise ValidationError({"birth_date": [Fault("birth_date.year", "It is not in the year of birth given.")]})


class PersonView(Shape):
    """The same as it is shown: a national id is compared by its hash alone and never shown again.

    Of a police message there is no year of birth.
    """

    name = classified(fields.String(required=True), "sealed")
    birth_year = classified(fields.Integer(allow_none=True), "sealed")
    birth_date = classified(fields.String(allow_none=True), "sealed")
    gender = classified(fields.String(allow_none=True), "sealed")


class RiskView(Shape):
    """The sender's risk screen as it is shown; the date is an ISO text."""

    danger_to_others = classified(fields.String(), "offence")
    danger_to_self = classified(fields.String(), "offence")
    children_in_household = classified(fields.String(), "offence")
    weapons = classified(fields.String(), "offence")
    staff_safety = classified(fields.String(), "offence")
    protection_order = classified(fields.String(), "offence")
    protection_order_until = classified(fields.String(allow_none=True), "offence")


def _destination_faults(value: dict[str, Any]) -> dict[str, list[str]]:
    """A named receiver or an area, never both, and never an order into a queue (referrals.md section 1)."""
    named = value["receiver"] is not None or value["service"] is not None
    if value["area"] is None:
        message = "Name the service or the receiving organisation, by key or id, or an area."
        return {} if named else {"service": [Fault("required", message)]}
    if named:
        return {"area": [Fault("area.and_receiver", "Either a receiver or an area, not both.")]}
    if value["ordered"]:
        return {"area": [Fault("area.ordered", "An ordered referral goes to a named receiver, never to a queue.")]}
    return {}


def _known() -> fields.String:
    return classified(fields.String(load_default="unknown", validate=validate.OneOf(codes.SAFE)), "offence")


class RiskScreen(Shape):
    """What the sender knows of dangers; unknown is the honest default (referrals.md section 4)."""

    danger_to_others = _known()
    danger_to_self = _known()
    children_in_household = _known()
    weapons = _known()
    staff_safety = _known()
    protection_order = _known()
    protection_order_until = classified(fields.Date(load_default=None, allow_none=True), "offence")


class NewReferral(Shape):
    """The ten fields of referrals.md section 4, and what has a default."""

    receiver = classified(fields.String(load_default=None, validate=REFERENCE), "public")
    service = classified(fields.String(load_default=None, validate=REFERENCE), "public")
    area = classified(fields.String(load_default=None, allow_none=True, validate=AREA), "internal")
    service_kind = classified(fields.String(load_default=None, allow_none=True, validate=CODE), "public")
    person = classified(fields.Nested(Person, required=True), "sealed")
    role = classified(fields.String(required=True, validate=validate.OneOf(codes.ROLES)), "offence")
    contact = classified(fields.Nested(Contact, load_default=None, allow_none=True), "sealed")
    contact_via = classified(
        fields.String(load_default=None, allow_none=True, validate=validate.OneOf(codes.CONTACT_VIA)), "sealed"
    )
    needs = classified(
        fields.List(
            fields.String(validate=validate.OneOf(codes.NEEDS)),
            required=True,
            validate=[validate.Length(1, 11), once_each],
        ),
        "sealed",
    )
    reason = classified(fields.String(required=True, validate=TEXT), "sealed")
    urgency = classified(fields.String(required=True, validate=validate.OneOf(codes.URGENCIES)), "internal")
    ordered = classified(fields.Boolean(required=True, truthy={True}, falsy={False}), "offence")
    order_reference = classified(fields.String(load_default=None, allow_none=True, validate=REFERENCE), "offence")
    person_informed = classified(fields.String(required=True, validate=validate.OneOf(codes.INFORMED)), "sealed")
    external_ref = classified(fields.String(load_default=None, allow_none=True, validate=REFERENCE), "sealed")
    language = classified(fields.String(load_default=None, allow_none=True, validate=LANGUAGE), "sealed")
    interpreter = classified(fields.String(load_default="unknown", validate=validate.OneOf(codes.SAFE)), "sealed")
    respond_by = classified(fields.AwareDateTime(load_default=None, allow_none=True), "sealed")
    not_before = classified(fields.Date(load_default=None, allow_none=True), "sealed")
    desired_outcomes = classified(
        fields.List(fields.String(validate=NAME), load_default=list, validate=validate.Length(max=20)), "sealed"
    )
    risk = classified(fields.Nested(RiskScreen, load_default=None, allow_none=True), "offence")
    feedback_scope = classified(
        fields.String(load_default=None, allow_none=True, validate=validate.OneOf(feedback.SCOPES)), "internal"
    )
    kind = classified(
        fields.String(load_default=lifecycle.ORDINARY, validate=validate.OneOf(sorted(lifecycle.BOTH_KINDS))),
        "internal",
    )
    legal_basis = classified(fields.Nested(LegalBasis, load_default=None, allow_none=True), "sealed")
    warning = classified(fields.String(load_default=None, allow_none=True, validate=TEXT), "sealed")
    draft = classified(fields.Boolean(load_default=False, truthy={True}, falsy={False}), "public")

    def load(self, data: Any, *, partial: bool | types.StrSequenceOrSet | None = None, **options: Any) -> Any:
        """With `draft: true` nothing is required yet; what is there is checked."""
        unfinished = isinstance(data, dict) and data.get("draft") is True
        # by name, so that a part that is there (a contact, a person) is whole
        return super().load(data, partial=tuple(self.fields) if unfinished else partial, **options)

    @validates_schema
    def is_complete(self, value: dict[str, Any], **_: object) -> None:
        """A receiver, a way to reach the man, and the order's reference where it is ordered."""
        if value.get("draft"):
            return
        faults = _destination_faults(value)
        if value["contact"] is None and value["contact_via"] is None:
            message = "Give a contact, or contact_via when he is reached through somebody."
            faults["contact"] = [Fault("required", message)]
        if value["ordered"] and value["order_reference"] is None:
            faults["order_reference"] = [Fault("required", "An ordered referral carries the reference of the order.")]
        if faults:
            raise ValidationError({name: list(told) for name, told in faults.items()})


class ReferralSummary(Shape):
    """One line of a work list, without anything about the person."""

    id = classified(fields.UUID(required=True), "internal")
    side = classified(
        fields.String(required=True, validate=validate.OneOf((lifecycle.SENDER, lifecycle.RECEIVER))), "internal"
    )
    state = classified(
        fields.String(required=True, validate=validate.OneOf((*lifecycle.STATES, lifecycle.CLOSED))), "internal"
    )
    reason_code = classified(fields.String(allow_none=True), "sealed")
    urgency = classified(fields.String(required=True), "internal")
    version = classified(fields.Integer(required=True), "internal")
    sender = classified(fields.Nested(Party), "internal")
    receiver = classified(fields.Nested(Party, allow_none=True), "internal")
    sent_at = classified(fields.AwareDateTime(required=True, allow_none=True), "internal")
    changed_at = classified(fields.AwareDateTime(required=True), "internal")
    unit = classified(fields.String(allow_none=True), "internal")
    worker = classified(fields.String(allow_none=True), "internal")
    due_at = classified(fields.AwareDateTime(allow_none=True), "internal")
    due_clock = classified(fields.String(allow_none=True), "internal")


class ReferralView(ReferralSummary):
    """A referral as one side may see it; what the caller's roles do not see is absent."""

    kind = classified(fields.String(), "internal")
    service = classified(fields.Nested(Party, allow_none=True), "internal")
    service_stale = classified(
        fields.Boolean(
            metadata={
                "description": "Nobody has confirmed for a year what the directory says of this service; ring first."
            }
        ),
        "internal",
    )
    person = classified(fields.Nested(PersonView), "sealed")
    role = classified(fields.String(), "offence")
    contact = classified(fields.Nested(Contact, allow_none=True), "sealed")
    contact_via = classified(fields.String(allow_none=True), "sealed")
    needs = classified(fields.List(fields.String()), "sealed")
    reason = classified(fields.String(), "sealed")
    ordered = classified(fields.Boolean(), "offence")
    order_reference = classified(fields.String(allow_none=True), "offence")
    person_informed = classified(fields.String(), "sealed")
    external_ref = classified(fields.String(allow_none=True), "sealed")
    language = classified(fields.String(allow_none=True), "sealed")
    interpreter = classified(fields.String(), "sealed")
    respond_by = classified(fields.String(allow_none=True), "sealed")  # as it was sealed: an ISO text
    not_before = classified(fields.String(allow_none=True), "sealed")
    desired_outcomes = classified(fields.List(fields.String()), "sealed")
    risk = classified(fields.Nested(RiskView, allow_none=True), "offence")
    attendance = classified(fields.Nested(Attendance, allow_none=True), "sealed")
    warning = classified(fields.String(allow_none=True), "sealed")
    warning_read = classified(fields.Boolean(allow_none=True), "internal")
    feedback_scope = classified(fields.String(), "internal")
    handling = classified(fields.Nested(Details, allow_none=True), "sealed")
    area = classified(fields.String(allow_none=True), "internal")
    episode_id = classified(fields.UUID(), "internal")
    parent_id = classified(fields.UUID(allow_none=True), "internal")
    asked = classified(fields.Nested(Details, allow_none=True), "sealed")
    clocks = classified(fields.List(fields.Nested(RunningClock)), "internal")
    warnings = classified(fields.List(fields.Nested(Warned)), "internal")
    legal_basis = classified(fields.Nested(LegalBasisView, allow_none=True), "sealed")
    personal_closed = classified(fields.Boolean(), "internal")
    objected_at = classified(fields.AwareDateTime(allow_none=True), "internal")
    kept_as_self_referral = classified(fields.Boolean(), "internal")
    allowed_actions = classified(fields.List(fields.String()), "internal")


class HistoryQuery(ReasonQuery):
    """Why a member of another unit looks, and in which language reasons are named."""

    lang = classified(fields.String(load_default="en", validate=validate.OneOf(reasons.LANGUAGES)), "public")


class HistoryEntry(Shape):
    """One step: when, by which organisation (by whom, on one's own side), from where to where, why, and for how long.

    `seconds` counts to the next step, of the last one to now; null where nothing runs any more.
    """

    no = classified(fields.Integer(required=True), "internal")
    at = classified(fields.AwareDateTime(required=True), "internal")
    transition = classified(fields.String(required=True), "internal")
    from_state = classified(fields.String(required=True, allow_none=True), "internal")
    to_state = classified(fields.String(required=True), "internal")
    event = classified(fields.String(required=True, allow_none=True), "internal")
    reason_code = classified(fields.String(required=True, allow_none=True), "sealed")
    reason_label = classified(fields.String(required=True, allow_none=True), "sealed")
    seconds = classified(fields.Integer(required=True, allow_none=True), "internal")
    details = classified(fields.Nested(Details, required=True, allow_none=True), "sealed")
    by = classified(fields.Nested(Party, required=True, allow_none=True), "internal")
    by_subject = classified(fields.String(required=True, allow_none=True), "internal")


class Duplicates(Shape):
    """My organisation's other open referrals of what seems to be the same person; `ready` is false for some moments."""

    ready = classified(fields.Boolean(required=True), "internal")
    ids = classified(fields.List(fields.UUID(), required=True), "internal")


class ListQuery(Shape):
    """Which lines, where to go on, and how many; `worker=me` are the caller's own."""

    cursor = classified(fields.String(load_default=None), "public")
    limit = classified(fields.Integer(load_default=DEFAULT, validate=validate.Range(1, MOST)), "public")
    state = classified(
        fields.List(
            fields.String(validate=validate.OneOf((*lifecycle.STATES, lifecycle.CLOSED))),
            load_default=list,
            validate=[validate.Length(max=len(lifecycle.STATES)), once_each],
        ),
        "public",
    )
    urgency = classified(fields.String(load_default=None, validate=validate.OneOf(codes.URGENCIES)), "public")
    unit = classified(fields.String(load_default=None, validate=REFERENCE), "internal")
    worker = classified(fields.String(load_default=None, validate=NAME), "internal")
    with_ = classified(
        fields.String(load_default=None, validate=REFERENCE, data_key="with", attribute="with"), "public"
    )
    since = classified(fields.AwareDateTime(load_default=None), "public")
    until = classified(fields.AwareDateTime(load_default=None), "public")
    overdue = classified(fields.Boolean(load_default=False, truthy={"true"}, falsy={"false"}), "public")


class SideListQuery(ListQuery):
    """The same for one of two sides; without it the receiving one, or the only one that is the caller's."""

    side = classified(
        fields.String(load_default=None, validate=validate.OneOf((lifecycle.SENDER, lifecycle.RECEIVER))), "public"
    )


class StateCount(Shape):
    """How many of what is open stand in a state, and how many of those are overdue, mine, or nobody's."""

    side = classified(fields.String(required=True), "internal")
    state = classified(fields.String(required=True), "internal")
    count = classified(fields.Integer(required=True), "internal")
    overdue = classified(fields.Integer(required=True), "internal")
    mine = classified(fields.Integer(required=True), "internal")
    nobodys = classified(fields.Integer(required=True), "internal")


class Counts(Shape):
    """The counts of the sides that the caller works on."""

    items = classified(fields.List(fields.Nested(StateCount), required=True), "internal")


NEW_REFERRAL_EXAMPLE = {
    "service": "lt-kavkc-behaviour-change",
    "person": {"name": "Demo Pavyzdys", "birth_year": 1985},
    "role": "used_violence",
    "contact_via": "referrer",
    "needs": ["violence_own_use"],
    "reason": "Invented case: police were called, he asks for help to stop.",
    "urgency": "urgent",
    "ordered": False,
    "person_informed": "yes",
}


class AreaCard(Shape):
    """A referral in the area queue as a candidate sees it: nothing of who it is, who sent it, or why."""

    id = classified(fields.UUID(required=True), "internal")
    needs = classified(fields.List(fields.String(), required=True), "sealed")
    area = classified(fields.String(required=True), "internal")
    age_band = classified(fields.String(required=True), "sealed")
    language = classified(fields.String(required=True, allow_none=True), "sealed")
    urgency = classified(fields.String(required=True), "internal")
    respond_by = classified(fields.AwareDateTime(required=True, allow_none=True), "internal")
    made_at = classified(fields.AwareDateTime(required=True), "internal")


class Passed(Shape):
    """A card that is hidden now."""

    id = classified(fields.UUID(required=True), "internal")
    state = classified(fields.String(required=True), "internal")


class CardQuery(Shape):
    """Where to go on and how many."""

    cursor = classified(fields.String(load_default=None), "public")
    limit = classified(fields.Integer(load_default=DEFAULT, validate=validate.Range(1, MOST)), "public")
