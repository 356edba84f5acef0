"""Shapes of referrals, in and out; every field carries its class (access-and-privacy.md section 6)."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, types, validate, validates_schema

from chassis import clock
from chassis.paging import DEFAULT, MOST
from chassis.phones import phone_or_fault
from chassis.schema import Fault, Shape, classified, plain_text
from services.referrals.rules import codes, feedback, lifecycle, reasons
from services.referrals.schemas.parts import NAME, REFERENCE, TEXT, Party, once_each
from services.referrals.schemas.rights import ReasonQuery
from services.referrals.schemas.transitions import Attendance, Details

OLDEST = 1900
MOST_GOALS = 20


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


class Contact(Shape):
    """One channel; `safe: unknown` counts as unsafe: nobody writes or rings there without a trained worker."""

    channel = classified(fields.String(required=True, validate=validate.OneOf(codes.CHANNELS)), "sealed")
    value = classified(fields.String(required=True, validate=plain_text(3, 200)), "sealed")
    safe = classified(fields.String(required=True, validate=validate.OneOf(codes.SAFE)), "sealed")

    @validates_schema
    def phone_is_international(self, value: dict[str, Any], **_: object) -> None:
        """A phone number is E.164 (http-api.md, Time and numbers)."""
        if value["channel"] == "phone":
            phone_or_fault(value["value"], field="value")


class NewReferral(Shape):
    """The ten fields of referrals.md section 4, and what has a default."""

    receiver = classified(fields.String(load_default=None, validate=REFERENCE), "public")
    service = classified(fields.String(load_default=None, validate=REFERENCE), "public")
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
    feedback_scope = classified(
        fields.String(load_default=None, allow_none=True, validate=validate.OneOf(feedback.SCOPES)), "internal"
    )
    goals = classified(
        fields.List(
            fields.String(validate=NAME), load_default=list, validate=[validate.Length(max=MOST_GOALS), once_each]
        ),
        "sealed",
    )
    warning = classified(fields.String(load_default=None, allow_none=True, validate=TEXT), "sealed")
    draft = classified(fields.Boolean(load_default=False, truthy={True}, falsy={False}), "public")

    def load(self, data: Any, *, partial: bool | types.StrSequenceOrSet | None = None, **options: Any) -> Any:
        """With `draft: true` nothing is required yet; what is there is checked."""
        unfinished = isinstance(data, dict) and data.get("draft") is True
        return super().load(data, partial=partial or unfinished, **options)

    @validates_schema
    def is_complete(self, value: dict[str, Any], **_: object) -> None:
        """A receiver, a way to reach the man, and the order's reference where it is ordered."""
        if value.get("draft"):
            return
        faults: dict[str, list[str]] = {}
        if value["receiver"] is None and value["service"] is None:
            faults["service"] = [Fault("required", "Name the service or the receiving organisation, by key or id.")]
        if value["contact"] is None and value["contact_via"] is None:
            faults["contact"] = [
                Fault("required", "Give a contact, or contact_via when he is reached through somebody.")
            ]
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


class ReferralView(ReferralSummary):
    """A referral as one side may see it; what the caller's roles do not see is absent."""

    kind = classified(fields.String(), "internal")
    service = classified(fields.Nested(Party, allow_none=True), "internal")
    person = classified(fields.Nested(Person), "sealed")
    role = classified(fields.String(), "offence")
    contact = classified(fields.Nested(Contact, allow_none=True), "sealed")
    contact_via = classified(fields.String(allow_none=True), "sealed")
    needs = classified(fields.List(fields.String()), "sealed")
    reason = classified(fields.String(), "sealed")
    ordered = classified(fields.Boolean(), "offence")
    order_reference = classified(fields.String(allow_none=True), "offence")
    person_informed = classified(fields.String(), "sealed")
    external_ref = classified(fields.String(allow_none=True), "sealed")
    goals = classified(fields.List(fields.String(), allow_none=True), "sealed")
    attendance = classified(fields.Nested(Attendance, allow_none=True), "sealed")
    warning = classified(fields.String(allow_none=True), "sealed")
    warning_read = classified(fields.Boolean(allow_none=True), "internal")
    feedback_scope = classified(fields.String(), "internal")
    handling = classified(fields.Nested(Details, allow_none=True), "sealed")
    episode_id = classified(fields.UUID(), "internal")
    parent_id = classified(fields.UUID(allow_none=True), "internal")
    asked = classified(fields.Nested(Details, allow_none=True), "sealed")
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
    """Where to go on, how many, and in which state."""

    cursor = classified(fields.String(load_default=None), "public")
    limit = classified(fields.Integer(load_default=DEFAULT, validate=validate.Range(1, MOST)), "public")
    state = classified(
        fields.String(load_default=None, validate=validate.OneOf((*lifecycle.STATES, lifecycle.CLOSED))), "public"
    )


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
