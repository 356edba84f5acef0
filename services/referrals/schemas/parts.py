"""What several shapes of referrals share: kinds of text, an organisation or service by id and key."""

from __future__ import annotations

from marshmallow import ValidationError, fields

from chassis.schema import Fault, Shape, classified, plain_text

REFERENCE = plain_text(1, 100)
TEXT = plain_text(1, 4000, lines=True)
NAME = plain_text(1, 200)


def once_each(values: list[str]) -> None:
    """A code is named once."""
    if len(set(values)) < len(values):
        raise ValidationError(Fault("code.repeated", "A code stands here more than once."))


class Party(Shape):
    """An organisation or service: id and key; the key is null until the directory told of it."""

    id = classified(fields.UUID(required=True), "public")
    key = classified(fields.String(required=True, allow_none=True), "public")
