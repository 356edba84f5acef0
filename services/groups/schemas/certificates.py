"""Shapes of certificates and of the keys that verify them."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import Shape, classified
from services.groups.rules.certificate_pdf import TEXTS


class CertificateView(Shape):
    """A certificate: its content, and the same as a compact JWS (RFC 7515, RFC 9864) by the organisation's key."""

    reference = classified(fields.String(required=True), "personal")
    content = classified(fields.Dict(required=True), "personal")
    signed = classified(fields.String(required=True), "personal")


class CertificateKey(Shape):
    """A public key as JWK (RFC 8037) and whose it is."""

    organisation = classified(fields.String(required=True, allow_none=True), "public")
    key = classified(fields.Dict(required=True), "public")


class PrintQuery(Shape):
    """In which language."""

    language = classified(fields.String(load_default="en", validate=validate.OneOf(tuple(TEXTS))), "public")
