"""Shapes of access: the token endpoint, and what our own processes are told of tokens."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import Shape, classified
from services.access.rules import tokens as rules
from services.access.schemas.documents import Key


class TokenRequest(Shape):
    """The form (RFC 6749, RFC 7523); a client proves itself by this, or by HTTP Basic instead."""

    grant_type = classified(fields.String(required=True, validate=validate.OneOf(rules.GRANTS)), "public")
    scope = classified(fields.String(metadata={"description": "Roles with spaces between; all without it"}), "internal")
    client_id = classified(fields.String(), "internal")
    client_secret = classified(fields.String(), "internal")
    client_assertion_type = classified(fields.String(validate=validate.Equal(rules.ASSERTION_TYPE)), "public")
    client_assertion = classified(fields.String(metadata={"description": "A JWT signed by the client"}), "internal")
    assertion = classified(fields.String(metadata={"description": "A JWT of a trusted issuer"}), "internal")


class TokenView(Shape):
    """An access token (RFC 6749 section 5.1)."""

    access_token = classified(fields.String(required=True), "internal")
    token_type = classified(fields.String(required=True), "public")
    expires_in = classified(fields.Integer(required=True), "public")
    scope = classified(fields.String(required=True), "internal")


class StandingView(Shape):
    """Keys, revoked subjects with the second from which on their tokens count, and organisations that may not act."""

    keys = classified(fields.List(fields.Nested(Key), required=True), "public")
    revoked = classified(fields.Dict(keys=fields.String(), values=fields.Integer(), required=True), "internal")
    inactive = classified(fields.List(fields.UUID(), required=True), "internal")
