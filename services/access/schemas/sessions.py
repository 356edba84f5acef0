"""Shapes of signing in and of one's own session."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from chassis.schema import Shape, classified
from services.access.rules import passwords
from services.access.schemas.members import MemberView, code_field

SIGN_IN_EXAMPLE: dict[str, Any] = {
    "organisation": "lt-kavkc", "login": "leader@example.org", "password": "a sentence that only I know",
    "code": "123456",
}  # fmt: skip
STEP_UP_EXAMPLE: dict[str, Any] = {"code": "123456"}
PASSWORD_EXAMPLE: dict[str, Any] = {
    "password": "a sentence that only I know", "new_password": "another sentence of mine", "code": "123456",
}  # fmt: skip


def password_field() -> fields.String:
    """A password that exists already; its form is not judged."""
    return classified(fields.String(required=True, validate=validate.Length(1, passwords.LONGEST)), "sealed")


class SignIn(Shape):
    """Who signs in; without `code` on a registered device only."""

    organisation = classified(fields.String(required=True, validate=validate.Length(1, 100)), "public")
    login = classified(fields.String(required=True, validate=validate.Length(1, 200)), "personal")
    password = password_field()
    code = classified(fields.String(load_default=None, validate=validate.Length(1, 20)), "sealed")


class SessionView(Shape):
    """One's own session; `csrf_token` goes into the header X-CSRF-Token of every change."""

    id = classified(fields.UUID(required=True), "internal")
    csrf_token = classified(fields.String(required=True), "sealed")
    member = classified(fields.Nested(MemberView, required=True), "personal")
    started_at = classified(fields.AwareDateTime(required=True), "internal")
    proved_at = classified(fields.AwareDateTime(required=True), "internal")
    idle_until = classified(fields.AwareDateTime(required=True), "internal")
    ends_at = classified(fields.AwareDateTime(required=True), "internal")
    on_device = classified(fields.Boolean(required=True), "internal")


class SessionLine(Shape):
    """One of one's own open sessions."""

    id = classified(fields.UUID(required=True), "internal")
    started_at = classified(fields.AwareDateTime(required=True), "internal")
    seen_at = classified(fields.AwareDateTime(required=True), "internal")
    ends_at = classified(fields.AwareDateTime(required=True), "internal")
    on_device = classified(fields.Boolean(required=True), "internal")
    current = classified(fields.Boolean(required=True), "internal")


class StepUp(Shape):
    """A code of the authenticator, or a recovery code."""

    code = code_field()


class NewPassword(Shape):
    """The old password, a code, and the password from now on."""

    password = password_field()
    new_password = classified(
        fields.String(required=True, validate=validate.Length(passwords.SHORTEST, passwords.LONGEST)), "sealed"
    )
    code = code_field()


class Nothing(Shape):
    """An empty body."""


class DeviceView(Shape):
    """Until when the device is registered; its cookie comes with the answer."""

    ends_at = classified(fields.AwareDateTime(required=True), "internal")


class SessionCookie(Shape):
    """The session of a cookie, from the gateway."""

    session = classified(fields.String(required=True, validate=validate.Length(1, 200)), "sealed")


class SessionToken(Shape):
    """The user token of a session, and the CSRF token that belongs to it."""

    token = classified(fields.String(required=True), "sealed")
    csrf_token = classified(fields.String(required=True), "sealed")
