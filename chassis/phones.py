"""Phone numbers as E.164: checked and brought into one form (http-api.md, Time and numbers)."""

from __future__ import annotations

import phonenumbers
from marshmallow import ValidationError

from chassis.schema import Fault

LONGEST = 32


def phone_or_fault(text: str, *, field: str) -> str:
    """The number as E.164, for example "+37060000000". Raises ValidationError on `field`."""
    try:
        number = phonenumbers.parse(text[:LONGEST], None)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or len(text) > LONGEST or not phonenumbers.is_possible_number(number):
        message = Fault("phone", "A phone number begins with + and the country code, for example +370 and 8 digits.")
        raise ValidationError({field: [message]})
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
