"""Shapes of reaching men: the call list, notes, messages."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import Shape, classified, plain_text
from services.groups.rules import remarks


class CallLine(Shape):
    """Somebody who has to be rung, and what about; his number is at his contact, where each look is on record."""

    signup_id = classified(fields.UUID(required=True), "internal")
    alias = classified(fields.String(required=True), "personal")
    state = classified(fields.String(required=True), "internal")
    about = classified(
        fields.String(required=True, validate=validate.OneOf(("offer", "contact", "intake"))), "internal"
    )
    deadline = classified(fields.AwareDateTime(required=True, allow_none=True), "internal")
    attempts = classified(fields.Integer(required=True), "internal")
    version = classified(fields.Integer(required=True), "internal")


class NewNote(Shape):
    """A note about a man, for his staff; deleted after thirty days."""

    text = classified(
        fields.String(
            required=True,
            validate=plain_text(1, remarks.LONGEST, lines=True),
            metadata={"description": remarks.WARNING},
        ),
        "sealed",
    )


class NewMessage(NewNote):
    """A message that each man reads with his code; without ids it is for everybody who has a seat."""

    signup_ids = classified(
        fields.List(fields.UUID(), load_default=None, allow_none=True, validate=validate.Length(1, 1000)), "internal"
    )


class Written(Shape):
    """For how many men it lies ready, and to how many of them a mail says so."""

    men = classified(fields.Integer(required=True), "internal")
    mailed = classified(fields.Integer(required=True), "internal")


class Remark(Shape):
    """A note or a message, until when it is kept."""

    kind = classified(fields.String(required=True, validate=validate.OneOf(("note", "message"))), "internal")
    text = classified(fields.String(required=True), "personal")
    at = classified(fields.AwareDateTime(required=True), "internal")
    until = classified(fields.AwareDateTime(required=True), "internal")


NOTE_EXAMPLE = {"text": "Asked for a seat near the door."}
MESSAGE_EXAMPLE = {"text": "Next week we begin half an hour later."}
