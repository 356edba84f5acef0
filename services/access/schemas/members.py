"""Shapes of members and invitations."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from chassis import paging
from chassis.schema import Shape, classified, plain_text
from services.access.rules import passwords
from services.access.rules.members import ACTIVE, DISABLED, INVITED, PEOPLE_ROLES

MOST_UNITS = 50
EXAMPLE_LOGIN = "leader@example.org"
NEW_MEMBER_EXAMPLE: dict[str, Any] = {
    "login": EXAMPLE_LOGIN, "name": "Example Leader", "roles": ["group_leader"], "units": ["evening"],
}  # fmt: skip
ROLES_EXAMPLE: dict[str, Any] = {"roles": ["group_leader", "group_coordinator"], "units": []}
ACCEPT_EXAMPLE: dict[str, Any] = {"token": "the-token-of-your-invitation", "password": "a sentence that only I know"}
CONFIRM_EXAMPLE: dict[str, Any] = {"token": "the-token-of-your-invitation", "code": "123456"}


def roles_field() -> fields.List[Any]:
    """A list of roles of people."""
    one = fields.String(validate=validate.OneOf(sorted(PEOPLE_ROLES)))
    return classified(fields.List(one, required=True, validate=validate.Length(1, len(PEOPLE_ROLES))), "internal")


def units_field() -> fields.List[Any]:
    """A list of keys of units."""
    one = fields.String(validate=validate.Regexp(r"^[a-z0-9][a-z0-9_-]{0,62}\Z"))
    return classified(fields.List(one, load_default=list, validate=validate.Length(0, MOST_UNITS)), "internal")


def token_field() -> fields.String:
    """The token of an invitation."""
    return classified(fields.String(required=True, validate=validate.Length(1, 200)), "sealed")


def code_field() -> fields.String:
    """A code of an authenticator, or a recovery code."""
    return classified(fields.String(required=True, validate=validate.Length(6, 20)), "sealed")


class NewMember(Shape):
    """Who is invited, and as what."""

    login = classified(fields.String(required=True, validate=plain_text(3, 200)), "personal")
    name = classified(fields.String(load_default=None, validate=plain_text(1, 100)), "personal")
    roles = roles_field()
    units = units_field()


class Roles(Shape):
    """All roles and units that a member is to have from now on."""

    roles = roles_field()
    units = units_field()


class Disabling(Shape):
    """An empty body."""


class MemberQuery(Shape):
    """Where a list goes on, and how long a page is."""

    cursor = classified(fields.String(load_default=None, validate=validate.Length(1, 200)), "public")
    limit = classified(fields.Integer(load_default=paging.DEFAULT, validate=validate.Range(1, paging.MOST)), "public")


class OrganisationName(Shape):
    """An organisation by id and key."""

    id = classified(fields.UUID(required=True), "public")
    key = classified(fields.String(required=True), "public")


class MemberView(Shape):
    """A member as he and the administrators of his organisation see him."""

    id = classified(fields.UUID(required=True), "internal")
    organisation = classified(fields.Nested(OrganisationName, required=True), "public")
    login = classified(fields.String(required=True), "personal")
    name = classified(fields.String(required=True), "personal")
    roles = classified(fields.List(fields.String(), required=True), "internal")
    units = classified(fields.List(fields.String(), required=True), "internal")
    status = classified(fields.String(required=True, validate=validate.OneOf((INVITED, ACTIVE, DISABLED))), "internal")
    version = classified(fields.Integer(required=True), "internal")
    created_at = classified(fields.AwareDateTime(required=True), "internal")


class InvitedView(Shape):
    """The new member and his token; both last are null when an earlier request with this key made it."""

    member = classified(fields.Nested(MemberView, required=True), "personal")
    token = classified(fields.String(required=True, allow_none=True), "sealed")
    expires_at = classified(fields.AwareDateTime(required=True, allow_none=True), "internal")


class Acceptance(Shape):
    """The token of an invitation and the password that the person chose."""

    token = token_field()
    password = classified(
        fields.String(required=True, validate=validate.Length(passwords.SHORTEST, passwords.LONGEST)), "sealed"
    )


class AcceptedView(Shape):
    """What an authenticator reads as a picture."""

    otpauth_uri = classified(fields.String(required=True), "sealed")


class Confirmation(Shape):
    """The token of an invitation and a first code of the authenticator."""

    token = token_field()
    code = code_field()


class RecoveryCodes(Shape):
    """Codes that each work once in the place of the authenticator; shown this once."""

    recovery_codes = classified(fields.List(fields.String(), required=True), "sealed")
