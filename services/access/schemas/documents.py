"""Shapes of access: the two public documents that clients and services read."""

from __future__ import annotations

from marshmallow import fields

from chassis.schema import Shape, classified


class Key(Shape):
    """One public key (RFC 7517); private members have no place here."""

    kty = classified(fields.String(required=True), "public")
    crv = classified(fields.String(required=True), "public")
    x = classified(fields.String(required=True), "public")
    y = classified(fields.String(required=True), "public")
    kid = classified(fields.String(required=True), "public")
    use = classified(fields.String(), "public")
    alg = classified(fields.String(), "public")


class KeySetView(Shape):
    """The keys that access tokens are signed with."""

    keys = classified(fields.List(fields.Nested(Key), required=True), "public")


class ServerMetadata(Shape):
    """What this authorisation server offers (RFC 8414)."""

    issuer = classified(fields.URL(required=True, require_tld=False), "public")
    token_endpoint = classified(fields.URL(required=True, require_tld=False), "public")
    jwks_uri = classified(fields.URL(required=True, require_tld=False), "public")
    scopes_supported = classified(fields.List(fields.String(), required=True), "public")
    response_types_supported = classified(fields.List(fields.String(), required=True), "public")
    grant_types_supported = classified(fields.List(fields.String(), required=True), "public")
    token_endpoint_auth_methods_supported = classified(fields.List(fields.String(), required=True), "public")
    token_endpoint_auth_signing_alg_values_supported = classified(fields.List(fields.String(), required=True), "public")
