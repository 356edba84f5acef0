"""What several shapes of referrals share: kinds of text, an organisation or service by id and key."""

from __future__ import annotations

from marshmallow import ValidationError, fields, validate

from chassis.schema import Fault, Shape, classified, plain_text

REFERENCE = plain_text(1, 100)
TEXT = plain_text(1, 4000, lines=True)
NAME = plain_text(1, 200)
LANGUAGE = validate.Regexp(r"\A[a-z]{2,3}(-[A-Za-z0-9]{2,8})?\Z", error="Expected a language tag, such as lt or nb-NO.")
AREA = validate.Regexp(r"\A[A-Z]{2}(:[^\W\d_][\w .'-]{0,98})?\Z", error="Expected a country, or country:municipality.")


def once_each(values: list[str]) -> None:
    """A code is named once."""
    if len(set(values)) < len(values):
        raise ValidationError(Fault("code.repeated", "A code stands here more than once."))


class Party(Shape):
    """An organisation or service: id and key; the key is null until the directory told of it."""

    id = classified(fields.UUID(required=True), "public")
    key = classified(fields.String(required=True, allow_none=True), "public")
