"""Shapes of attached files: what is said with one, and how it is listed; the file itself is bytes."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import Shape, classified
from services.referrals.rules import attaching
from services.referrals.schemas.parts import Party
from services.referrals.schemas.rights import ReasonQuery


class AttachQuery(Shape):
    """For whom, and what kind of paper it is: codes alone, because addresses are logged."""

    visibility = classified(
        fields.String(load_default=attaching.OWN_ORG, validate=validate.OneOf(attaching.VISIBILITIES)), "public"
    )
    classification = classified(
        fields.String(load_default="other", validate=validate.OneOf(attaching.CLASSIFICATIONS)), "public"
    )


class AttachmentView(Shape):
    """One file: its name and hash, whose it is, and whether a virus scanner has looked at it."""

    id = classified(fields.UUID(required=True), "internal")
    name = classified(fields.String(required=True), "sealed")
    sha256 = classified(fields.String(required=True), "sealed")
    media_type = classified(fields.String(required=True), "internal")
    size = classified(fields.Integer(required=True), "internal")
    visibility = classified(fields.String(required=True, validate=validate.OneOf(attaching.VISIBILITIES)), "internal")
    classification = classified(
        fields.String(required=True, validate=validate.OneOf(attaching.CLASSIFICATIONS)), "internal"
    )
    scan = classified(fields.String(required=True, validate=validate.OneOf(attaching.SCANS)), "internal")
    by = classified(fields.Nested(Party, required=True), "internal")
    by_subject = classified(fields.String(required=True, allow_none=True), "internal")
    at = classified(fields.AwareDateTime(required=True), "internal")


class AboutFile(Shape):
    """What is sealed of a file besides its bytes."""

    name = classified(fields.String(), "sealed")
    sha256 = classified(fields.String(), "sealed")


class FilePiece(Shape):
    """A sealed piece of a file; bytes, whatever the person or somebody else wrote there."""

    bytes_ = classified(fields.Raw(data_key="bytes"), "sealed")


class Removal(Shape):
    """Nothing needs to be said."""


__all__ = ["AboutFile", "AttachQuery", "AttachmentView", "FilePiece", "ReasonQuery", "Removal"]
