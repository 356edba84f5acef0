"""Shapes of sign-ups, in and out; every field carries its class."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from chassis.phones import phone_or_fault
from chassis.schema import Fault, Shape, classified, plain_text
from services.groups.rules import card, codes, contact_check, lifecycle, waiting
from services.groups.schemas.parts import DEMO_GROUP, KEY, LANGUAGE
from services.groups.schemas.sessions import wall_time

PIN = validate.Regexp(r"^[0-9]{4}\Z")
CODE = validate.Length(codes.LENGTH, 24)
CHANNELS = ("email", "phone")
SAFE = ("yes", "no", "unknown")


class Contact(Shape):
    """One channel of the man's own; what is not said to be safe is never used without a trained worker."""

    channel = classified(fields.String(required=True, validate=validate.OneOf(CHANNELS)), "sealed")
    value = classified(fields.String(required=True, validate=validate.Length(3, 200)), "sealed")
    safe = classified(fields.String(load_default="unknown", validate=validate.OneOf(SAFE)), "sealed")
    may_call = classified(fields.Boolean(load_default=False, truthy={True}, falsy={False}), "sealed")
    may_text = classified(fields.Boolean(load_default=False, truthy={True}, falsy={False}), "sealed")
    may_leave_voicemail = classified(fields.Boolean(load_default=False, truthy={True}, falsy={False}), "sealed")
    may_say_who_we_are = classified(fields.Boolean(load_default=False, truthy={True}, falsy={False}), "sealed")

    @validates_schema
    def is_reachable(self, value: dict[str, Any], **_: object) -> None:
        """A phone number is E.164, a mail address has the form of one."""
        if value["channel"] == "phone":
            phone_or_fault(value["value"], field="value")
            return
        try:
            validate.Email()(value["value"].strip())
        except ValidationError:
            raise ValidationError({"value": [Fault("email", "This is no mail address.")]}) from None

    @post_load
    def in_one_form(self, value: dict[str, Any], **_: object) -> dict[str, Any]:
        """E.164 without spaces, mail in lower case: the same channel is always the same text, so it is found again."""
        if value["channel"] == "phone":
            return {**value, "value": phone_or_fault(value["value"], field="value")}
        return {**value, "value": value["value"].strip().casefold()}


class _Newcomer(Shape):
    """What everybody says who signs up, or has somebody sign him up; no account, no legal name."""

    alias = classified(fields.String(required=True, validate=plain_text(1, 40)), "sealed")
    language = classified(fields.String(load_default=None, allow_none=True, validate=LANGUAGE), "personal")
    contact = classified(fields.Nested(Contact, load_default=None, allow_none=True), "sealed")
    pin = classified(fields.String(required=True, validate=PIN), "sealed")
    delegation = classified(
        fields.String(
            load_default=None,
            allow_none=True,
            validate=KEY,
            metadata={
                "description": "Only where the group has seats of delegations: one of its quotas, which all may read."
            },
        ),
        "internal",
    )
    age = classified(
        fields.Integer(
            load_default=None,
            allow_none=True,
            strict=True,
            validate=validate.Range(0, 120),
            metadata={"description": "Only where the programme names ages; compared and not kept."},
        ),
        "personal",
    )


class NewSignUp(_Newcomer):
    """A man signs up, by a contact of his or by code only; no account, no legal name."""

    group_id = classified(fields.UUID(required=True), "public")


class SignUpForHim(_Newcomer):
    """A worker signs a man up, with the referral that he comes from; a man who was sent has a day to begin by."""

    referral_id = classified(fields.UUID(load_default=None, allow_none=True), "personal")
    mandated = classified(fields.Boolean(load_default=False, truthy={True}, falsy={False}), "personal")
    due_on = classified(fields.Date(load_default=None, allow_none=True), "personal")
    contact_confirmed = classified(
        fields.Boolean(
            load_default=False,
            truthy={True},
            falsy={False},
            metadata={"description": "The worker reached him by this contact."},
        ),
        "personal",
    )


class Card(Shape):
    """What a man holds: the return code and his PIN; only ever in a body, never in an address."""

    return_code = classified(fields.String(required=True, validate=CODE), "sealed")
    pin = classified(fields.String(required=True, validate=PIN), "sealed")

    @validates_schema
    def is_a_code(self, value: dict[str, Any], **_: object) -> None:
        """Eleven characters of the alphabet, however they were grouped and misread."""
        text = codes.normalised(value["return_code"])
        if len(text) != codes.LENGTH or set(text) - set(codes.ALPHABET):
            message = Fault("pattern", "A return code has eleven letters and digits, for example 7K2M-9QXD-4TR.")
            raise ValidationError({"return_code": [message]})


class Why(Shape):
    """The rule by which he waits, as a code and in plain words."""

    code = classified(fields.String(required=True, validate=validate.OneOf(tuple(waiting.WORDS))), "personal")
    text = classified(fields.String(required=True), "personal")


class Weeks(Shape):
    """Between how many weeks half of the men before him waited in this programme."""

    from_ = classified(fields.Integer(required=True, data_key="from", attribute="from"), "public")
    to = classified(fields.Integer(required=True), "public")


class Meeting(Shape):
    """When the group meets."""

    no = classified(fields.Integer(required=True), "public")
    local_start = classified(wall_time(), "public")
    tz = classified(fields.String(required=True), "public")
    starts_at = classified(fields.AwareDateTime(required=True), "public")
    minutes = classified(fields.Integer(required=True), "public")
    state = classified(fields.String(required=True), "public")


class ContactCheck(Shape):
    """How it is asked whether his contact is his, and until when."""

    way = classified(fields.String(required=True, validate=validate.OneOf(contact_check.WAYS)), "personal")
    until = classified(fields.AwareDateTime(required=True), "personal")


class CardToKeep(Card):
    """What is to stand on the card besides the code; nothing, unless it is named."""

    shows = classified(
        fields.List(
            fields.String(validate=validate.OneOf(card.SHOWS)), load_default=list, validate=validate.Length(0, 4)
        ),
        "public",
    )
    language = classified(fields.String(load_default="en", validate=LANGUAGE), "public")


class ConfirmContact(Card):
    """The digits of the mail; without them it is sent again, at most once an hour."""

    digits = classified(
        fields.String(
            load_default=None, allow_none=True, validate=validate.Regexp(rf"^[0-9]{{{contact_check.DIGITS}}}\Z")
        ),
        "sealed",
    )


class ForHim(Shape):
    """What somebody of the organisation wrote to him."""

    text = classified(fields.String(required=True), "personal")
    at = classified(fields.AwareDateTime(required=True), "personal")


class SignUpView(Shape):
    """His own sign-up: where it stands, his place in the queue, and what happens next in plain words."""

    signup_id = classified(fields.UUID(required=True), "personal")
    group_id = classified(fields.UUID(required=True), "public")
    state = classified(fields.String(required=True, validate=validate.OneOf(lifecycle.STATES)), "personal")
    has_seat = classified(fields.Boolean(required=True), "personal")
    place = classified(fields.Integer(required=True, allow_none=True), "personal")
    why = classified(fields.Nested(Why, required=True, allow_none=True), "personal")
    usual_weeks = classified(fields.Nested(Weeks, required=True, allow_none=True), "personal")
    sessions = classified(fields.List(fields.Nested(Meeting), required=True), "personal")
    messages = classified(fields.List(fields.Nested(ForHim), required=True), "personal")
    place_full = classified(fields.String(required=True, allow_none=True), "internal")
    offer_until = classified(fields.AwareDateTime(required=True, allow_none=True), "personal")
    contact_check = classified(fields.Nested(ContactCheck, required=True, allow_none=True), "personal")
    erase_at = classified(fields.AwareDateTime(required=True, allow_none=True), "personal")
    next = classified(fields.String(required=True), "personal")
    allowed_actions = classified(fields.List(fields.String(), required=True), "personal")


class NewSignUpView(SignUpView):
    """The answer to a sign-up: the only time that the return code is shown."""

    return_code = classified(fields.String(required=True), "sealed")


class HandOverView(NewSignUpView):
    """The same for the telephone: the code once more as words to read aloud."""

    spoken = classified(fields.List(fields.String(), required=True), "sealed")


NEW_SIGN_UP_EXAMPLE = {"group_id": str(DEMO_GROUP), "alias": "Demo", "language": "lt", "pin": "2580"}
CARD_EXAMPLE = {"return_code": "7K2M-9QXD-4TR", "pin": "2580"}
FOR_HIM_EXAMPLE = {"alias": "Demo", "language": "lt", "pin": "2580"}
