"""The routes by which men are reached: is the contact his, who has to be rung, notes and messages."""

from __future__ import annotations

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.groups.schemas import reaching as shapes
from services.groups.schemas.parts import Nothing
from services.groups.schemas.staff import SignUpRecord
from services.groups.usecases import contact_checks, remarks, staff

SIGN_UP = "/groups/<uuid:group_id>/signups/<uuid:signup_id>"


class Reaching:
    """Contacts, calls and messages."""

    db: Database

    @route(
        "POST",
        f"{SIGN_UP}/contact/confirm",
        operation="signup.confirm_contact",
        body=Nothing,
        answers=SignUpRecord,
        changes=True,
        example={},
        summary="He was reached by his contact: it is his",
    )
    def confirm_contact(self, call: Call) -> Outcome:
        """Confirm a man's contact."""
        return staff.confirm_contact(self.db, call)

    @route(
        "GET",
        "/groups/<uuid:group_id>/call-list",
        operation="call_list.read",
        answers=shapes.CallLine,
        many=True,
        summary="Whom somebody has to ring, and what about, the most urgent first",
    )
    def call_list(self, call: Call) -> Outcome:
        """List whom to ring."""
        return contact_checks.call_list(self.db, call)

    @route(
        "POST",
        f"{SIGN_UP}/notes",
        operation="remark.note",
        body=shapes.NewNote,
        answers=SignUpRecord,
        changes=True,
        example=shapes.NOTE_EXAMPLE,
        summary="Note something about a man for his staff; deleted after thirty days",
    )
    def note(self, call: Call) -> Outcome:
        """Write a note."""
        return remarks.note(self.db, call)

    @route(
        "POST",
        "/groups/<uuid:group_id>/messages",
        operation="remark.write",
        body=shapes.NewMessage,
        answers=shapes.Written,
        changes=True,
        example=shapes.MESSAGE_EXAMPLE,
        summary="Write to men of a group, one by one; each reads it with his code",
    )
    def write(self, call: Call) -> Outcome:
        """Write a message."""
        return remarks.write(self.db, call)
