"""The Lithuanian police message to a specialised help centre, exactly as it is sent (referrals.md section 12)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from chassis import clock
from chassis.phones import phone_or_fault
from chassis.schema import Fault, Shape, classified, plain_text
from services.referrals.rules import codes, police
from services.referrals.schemas.parts import NAME, REFERENCE, TEXT

EARLIEST = validate.Range(min=dt.date(2020, 1, 1))


def has_been(day: dt.date) -> None:
    """Of what happened nothing lies ahead; the day may have begun there already."""
    if day > clock.now().date() + dt.timedelta(days=1):
        raise ValidationError(Fault("date.future", "This day has not come yet."))


def is_phone(text: str) -> None:
    """A phone number is E.164."""
    try:
        phone_or_fault(text, field="phone")
    except ValidationError as fault:
        raise ValidationError(fault.messages_dict["phone"]) from None


def is_no_victim(role: str) -> None:
    """Raises ValidationError for the message about somebody who suffered violence."""
    if role == police.VICTIM:
        raise ValidationError(Fault(police.NOT_HERE, police.VICTIM_ELSEWHERE))


class Incident(Shape):
    """When and where; the address goes into the restricted part of the centre and nowhere else."""

    date = classified(fields.Date(required=True, validate=[EARLIEST, has_been]), "sealed")
    address = classified(fields.String(required=True, validate=plain_text(1, 500)), "sealed")


class ProtectionOrder(Shape):
    """The order, which lasts fifteen days; what it obliges him to may name places and goes into the restricted part."""

    granted = classified(fields.Date(required=True, validate=[EARLIEST, has_been]), "offence")
    until = classified(fields.Date(load_default=None, allow_none=True, validate=EARLIEST), "offence")
    obligations = classified(fields.String(load_default=None, allow_none=True, validate=TEXT), "sealed")
    risk = classified(
        fields.String(load_default=None, allow_none=True, validate=validate.OneOf(police.RISKS)), "offence"
    )

    @validates_schema
    def ends_after_it_began(self, value: dict[str, Any], **_: object) -> None:
        """An order ends within fifteen days."""
        until = value["until"]
        if until is not None and not value["granted"] <= until <= value["granted"] + police.LASTS:
            raise ValidationError(
                {"until": [Fault("date.order", "An order ends within 15 days after it was granted.")]}
            )


class Suspect(Shape):
    """Who it is about, and how he can be reached; nobody knows yet whether that is safe."""

    name = classified(fields.String(required=True, validate=NAME), "sealed")
    phone = classified(fields.String(load_default=None, allow_none=True, validate=is_phone), "sealed")
    email = classified(
        fields.String(load_default=None, allow_none=True, validate=[validate.Email(), validate.Length(max=200)]),
        "sealed",
    )


class PoliceMessage(Shape):
    """One message; a victim's goes to a victim service."""

    service = classified(fields.String(required=True, validate=REFERENCE), "public")
    role = classified(fields.String(required=True, validate=[validate.OneOf(codes.ROLES), is_no_victim]), "offence")
    registry_number = classified(fields.String(load_default=None, allow_none=True, validate=REFERENCE), "offence")
    incident = classified(fields.Nested(Incident, required=True), "sealed")
    protection_order = classified(fields.Nested(ProtectionOrder, load_default=None, allow_none=True), "offence")
    person = classified(fields.Nested(Suspect, required=True), "sealed")
    description = classified(fields.String(required=True, validate=plain_text(1, 3000, lines=True)), "sealed")


POLICE_MESSAGE_EXAMPLE = {
    "service": "lt-kavkc-behaviour-change",
    "role": "used_violence",
    "registry_number": "DEMO-ROIK-1",
    "incident": {"date": "2026-11-20", "address": "Invented street 1, Kaunas"},
    "person": {"name": "Demo Pavyzdys", "phone": "+37060000002", "email": "demo@example.org"},
    "description": "Invented case: neighbours called, nobody was hurt; he agrees to be rung up.",
}
