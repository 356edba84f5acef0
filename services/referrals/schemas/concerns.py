"""Shape of a concern for a child that is raised out of a case."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import Shape, classified
from services.referrals.rules import codes
from services.referrals.schemas import Person
from services.referrals.schemas.contact import Contact
from services.referrals.schemas.legal import LegalBasis
from services.referrals.schemas.parts import REFERENCE, TEXT


class Safeguarding(Shape):
    """To which authority, and why; the person and the contact are the referral's unless others are given."""

    receiver = classified(fields.String(required=True, validate=REFERENCE), "public")
    reason = classified(fields.String(required=True, validate=TEXT), "sealed")
    urgency = classified(fields.String(load_default="urgent", validate=validate.OneOf(codes.URGENCIES)), "internal")
    person = classified(fields.Nested(Person, load_default=None, allow_none=True), "sealed")
    contact = classified(fields.Nested(Contact, load_default=None, allow_none=True), "sealed")
    person_informed = classified(
        fields.String(load_default="not_safe", validate=validate.OneOf(codes.INFORMED)), "sealed"
    )
    legal_basis = classified(fields.Nested(LegalBasis, load_default=None, allow_none=True), "sealed")


SAFEGUARDING_EXAMPLE = {
    "receiver": "lt-child-rights",
    "reason": "Invented case: the children were at home that evening.",
    "urgency": "urgent",
}
