"""Shapes of where an organisation hears that there is news, of what was sent, and of a message to a person."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.messages.gate import ADDRESS
from chassis.messages.wording import LANGUAGES
from chassis.schema import Shape, classified
from services.referrals.rules import notifying
from services.referrals.schemas.parts import once_each

MOST_ADDRESSES = 10
LONGEST = 254
CHOICES = tuple(notifying.CHOICES)
STATES = ("queued", "sent", "acknowledged", "failed", "dead", "dropped")
SERVICE_KIND = validate.Regexp(r"^[a-z][a-z0-9_]{0,63}\Z")
CODE = validate.Regexp(r"^[A-Za-z0-9 -]{8,40}\Z")


class Address(Shape):
    """One address, for one kind of service or for all, and what it wants to hear of."""

    address = classified(
        fields.String(required=True, validate=[validate.Length(3, LONGEST), validate.Regexp(ADDRESS.pattern)]), "sealed"
    )
    service_kind = classified(fields.String(load_default=None, allow_none=True, validate=SERVICE_KIND), "internal")
    language = classified(fields.String(load_default="en", validate=validate.OneOf(LANGUAGES)), "internal")
    kinds = classified(
        fields.List(
            fields.String(validate=validate.OneOf(CHOICES)),
            load_default=lambda: list(notifying.UNASKED),
            validate=[validate.Length(1, len(CHOICES)), once_each],
        ),
        "internal",
    )


class NewSettings(Shape):
    """All addresses of the organisation: what is not listed any more hears nothing any more."""

    addresses = classified(
        fields.List(fields.Nested(Address), required=True, validate=validate.Length(0, MOST_ADDRESSES)), "internal"
    )


class AddressView(Shape):
    """One address as it stands; it counts from `confirmed_at` on."""

    id = classified(fields.UUID(required=True), "internal")
    address = classified(fields.String(required=True), "sealed")
    service_kind = classified(fields.String(required=True, allow_none=True), "internal")
    language = classified(fields.String(required=True), "internal")
    kinds = classified(fields.List(fields.String(), required=True), "internal")
    confirmed_at = classified(fields.AwareDateTime(required=True, allow_none=True), "internal")
    code_until = classified(fields.AwareDateTime(required=True, allow_none=True), "internal")


class SettingsView(Shape):
    """All addresses, the oldest first."""

    addresses = classified(fields.List(fields.Nested(AddressView), required=True), "internal")


class Confirmation(Shape):
    """The code that came by mail."""

    code = classified(fields.String(required=True, validate=CODE), "internal")


class MessageView(Shape):
    """What became of one message: never to which address, and never what about."""

    id = classified(fields.UUID(required=True), "internal")
    kind = classified(fields.String(required=True), "internal")
    to = classified(fields.String(required=True, validate=validate.OneOf(("organisation", "person"))), "internal")
    state = classified(fields.String(required=True, validate=validate.OneOf(STATES)), "internal")
    reason = classified(fields.String(required=True, allow_none=True), "internal")
    attempts = classified(fields.Integer(required=True), "internal")
    created_at = classified(fields.AwareDateTime(required=True), "internal")
    not_before = classified(fields.AwareDateTime(required=True), "internal")
    sent_at = classified(fields.AwareDateTime(required=True, allow_none=True), "internal")


class NewMessage(Shape):
    """What the person may be let know: that there is something, or what was agreed; the words are always the same."""

    kind = classified(fields.String(required=True, validate=validate.OneOf(tuple(notifying.TO_PERSON))), "internal")


SETTINGS_EXAMPLE = {
    "addresses": [{"address": "intake@centre.example.org", "language": "lt", "kinds": ["new", "withdrawn", "reminder"]}]
}
CONFIRMATION_EXAMPLE = {"code": "ABCDE-FGHJK"}
MESSAGE_EXAMPLE = {"kind": "news"}
