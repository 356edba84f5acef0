"""Shapes of access: clients of an organisation and their credentials."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis import paging
from chassis.schema import Shape, classified, plain_text
from services.access.rules import clients as rules

NEW_CLIENT_EXAMPLE = {"name": "Case system", "roles": ["sender_client", "subscriber"], "method": "client_secret"}
ROTATE_EXAMPLE = {"overlap_hours": 24}
MOST_ROLES = 20


def public_key() -> fields.Dict:
    """A JWK (RFC 7517): EC P-256, OKP Ed25519 or RSA from 2048 bits; the public half only."""
    return fields.Dict(keys=fields.String(), metadata={"description": "The public key as a JWK, never the private one"})


class NewClient(Shape):
    """A system that is to ask for tokens by itself."""

    name = classified(fields.String(required=True, validate=plain_text(1, 100)), "internal")
    roles = classified(fields.List(fields.String(), required=True, validate=validate.Length(1, MOST_ROLES)), "internal")
    method = classified(fields.String(required=True, validate=validate.OneOf(rules.METHODS)), "internal")
    jwk = classified(public_key(), "internal")


class RotateClient(Shape):
    """How long the old secret or key lives on; 0 ends it at once, with the tokens that it got."""

    overlap_hours = classified(
        fields.Integer(
            strict=True, load_default=rules.OVERLAP_HOURS, validate=validate.Range(0, rules.LONGEST_OVERLAP_HOURS)
        ),
        "internal",
    )
    jwk = classified(public_key(), "internal")


class RevokeClient(Shape):
    """An empty body."""


class ClientQuery(Shape):
    """Where a list goes on, and how long a page is."""

    cursor = classified(fields.String(validate=validate.Length(1, 200)), "public")
    limit = classified(fields.Integer(load_default=paging.DEFAULT, validate=validate.Range(1, paging.MOST)), "public")


class CredentialView(Shape):
    """One secret or key that counts, without itself."""

    id = classified(fields.UUID(required=True), "internal")
    kid = classified(fields.String(required=True, allow_none=True), "internal")
    created_at = classified(fields.AwareDateTime(required=True), "internal")
    expires_at = classified(fields.AwareDateTime(required=True, allow_none=True), "internal")


class ClientView(Shape):
    """One client; `id` is its client_id."""

    id = classified(fields.UUID(required=True), "internal")
    name = classified(fields.String(required=True), "internal")
    roles = classified(fields.List(fields.String(), required=True), "internal")
    method = classified(fields.String(required=True, validate=validate.OneOf(rules.METHODS)), "internal")
    status = classified(
        fields.String(required=True, validate=validate.OneOf((rules.ACTIVE, rules.REVOKED))), "internal"
    )
    version = classified(fields.Integer(required=True), "internal")
    created_at = classified(fields.AwareDateTime(required=True), "internal")
    created_by = classified(fields.String(required=True), "internal")
    changed_at = classified(fields.AwareDateTime(required=True), "internal")
    changed_by = classified(fields.String(required=True), "internal")
    credentials = classified(fields.List(fields.Nested(CredentialView), required=True), "internal")
    allowed_actions = classified(fields.List(fields.String(), required=True), "internal")


class ClientWithSecret(ClientView):
    """The same with what is shown once: null but in the first answer to the request that made it."""

    secret = classified(fields.String(required=True, allow_none=True), "internal")
    secret_note = classified(fields.String(required=True, allow_none=True), "public")
