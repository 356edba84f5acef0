"""Shapes of FHIR R4 resources, in and out: what a client may send of each, and what it gets; the rest is refused.

An element that R4 has and that means nothing here is refused as well, so that nothing is lost without a word; only what
a server sets itself (id, meta, authoredOn) is taken and left aside, as the standard has it.
"""

from __future__ import annotations

from typing import Any, TypeVar

from marshmallow import ValidationError, fields, validate, validates_schema

from chassis.schema import Fault, Shape, classified, plain_text
from services.referrals.rules import codes, feedback, fhir, lifecycle

AnyField = TypeVar("AnyField", bound=fields.Field[Any])
LABEL = plain_text(1, 200)
KEY = plain_text(1, 100)
TEXT = plain_text(1, 4000, lines=True)
CODE = validate.Regexp(r"^[A-Za-z0-9_.-]{1,64}\Z")
DAY = validate.Regexp(r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2}(T[0-9:.]{8,15}(Z|[+-][0-9:]{5}))?)?)?\Z")
BORN = validate.Regexp(r"^[0-9]{4}(-[0-9]{2}-[0-9]{2})?\Z")
ID = validate.Regexp(r"^[A-Za-z0-9.-]{1,64}\Z")
FLAG_CODES = tuple(dict.fromkeys((*codes.ROLES, *codes.CONTACT_VIA, *codes.INFORMED, *feedback.SCOPES)))
FLAGS = tuple(fhir.EXTENSION + url for url, _ in fhir.FLAGS.values())


def element(field: AnyField, kind: str, name: str) -> AnyField:
    """An element under FHIR's own name, and its class."""
    field.data_key = field.attribute = name
    return classified(field, kind)


def one_of(*known: str) -> fields.String:
    """A text that is one of these, and must be there."""
    return fields.String(required=True, validate=validate.OneOf(known))


def list_of(shape: type[Shape], most: int, *, least: int = 0) -> fields.List[Any]:
    """A list of parts; one that must have some must be there."""
    return fields.List(fields.Nested(shape), required=least > 0, validate=validate.Length(least, most))


class Ignored(Shape):
    """What the server says of a resource; taken, and left aside."""

    version_id = element(fields.String(validate=ID), "internal", "versionId")
    last_updated = element(fields.String(validate=LABEL), "internal", "lastUpdated")
    tag = element(fields.List(fields.Dict(), validate=validate.Length(max=20)), "internal", "tag")
    profile = element(fields.List(fields.String(validate=LABEL)), "internal", "profile")


class Identifier(Shape):
    """A key of ours in its system, or urn:uuid: and an id in the system urn:ietf:rfc:3986."""

    use = element(fields.String(validate=CODE), "internal", "use")
    system = element(fields.String(required=True, validate=LABEL), "internal", "system")
    value = element(fields.String(required=True, validate=KEY), "sealed", "value")


class OrganisationIdentifier(Identifier):
    """Of an organisation."""

    system = element(one_of(fhir.ORGANISATION, fhir.URI), "internal", "system")
    value = element(fields.String(required=True, validate=KEY), "public", "value")


class PerformerIdentifier(Identifier):
    """Of a service or an organisation."""

    system = element(one_of(fhir.SERVICE, fhir.ORGANISATION, fhir.URI), "internal", "system")
    value = element(fields.String(required=True, validate=KEY), "public", "value")


class OwnReference(Identifier):
    """The sender's own reference."""

    system = element(one_of(fhir.OWN_REFERENCE), "internal", "system")


class Requester(Shape):
    """The sending organisation."""

    type = element(fields.String(validate=validate.OneOf(("Organization",))), "internal", "type")
    identifier = element(fields.Nested(OrganisationIdentifier, required=True), "internal", "identifier")
    display = element(fields.String(validate=LABEL), "internal", "display")


class Performer(Shape):
    """The service, the receiving organisation, or both."""

    type = element(fields.String(validate=validate.OneOf(("Organization", "HealthcareService"))), "internal", "type")
    identifier = element(fields.Nested(PerformerIdentifier, required=True), "internal", "identifier")
    display = element(fields.String(validate=LABEL), "internal", "display")


class SafeFlag(Shape):
    """Whether a contact is safe to use; what is not said counts as unsafe."""

    url = element(one_of(fhir.CONTACT_SAFE), "internal", "url")
    value_code = element(one_of(*codes.SAFE), "sealed", "valueCode")


class HumanName(Shape):
    """The name or pseudonym as a text, or in its parts."""

    use = element(fields.String(validate=CODE), "internal", "use")
    text = element(fields.String(validate=LABEL), "sealed", "text")
    family = element(fields.String(validate=LABEL), "sealed", "family")
    given = element(fields.List(fields.String(validate=LABEL), validate=validate.Length(max=5)), "sealed", "given")

    @validates_schema
    def has_a_name(self, value: dict[str, Any], **_: object) -> None:
        """There is a text or a part of a name."""
        if not any(value.get(name) for name in ("text", "family", "given")):
            raise ValidationError({"text": [Fault("required", "Give the name as a text, or family and given.")]})


class ContactPoint(Shape):
    """A telephone number (E.164) or an e-mail address."""

    extension = element(list_of(SafeFlag, 1), "sealed", "extension")
    system = element(one_of("phone", "email"), "sealed", "system")
    value = element(fields.String(required=True, validate=plain_text(3, 200)), "sealed", "value")


class Address(Shape):
    """A postal address as a text."""

    extension = element(list_of(SafeFlag, 1), "sealed", "extension")
    text = element(fields.String(required=True, validate=plain_text(3, 200)), "sealed", "text")


class LanguageCoding(Shape):
    """A language by its tag."""

    system = element(one_of(fhir.LANGUAGES), "internal", "system")
    code = element(fields.String(required=True, validate=LABEL), "sealed", "code")
    display = element(fields.String(validate=LABEL), "internal", "display")


class Language(Shape):
    """A language."""

    coding = element(list_of(LanguageCoding, 1, least=1), "sealed", "coding")


class Communication(Shape):
    """What the person speaks."""

    language = element(fields.Nested(Language, required=True), "sealed", "language")


class Patient(Shape):
    """The person, contained in the request: name, birth, gender, language, one contact."""

    resource_type = element(one_of("Patient"), "internal", "resourceType")
    id = element(fields.String(required=True, validate=ID), "internal", "id")
    name = element(list_of(HumanName, 1, least=1), "sealed", "name")
    birth_date = element(fields.String(required=True, validate=BORN), "sealed", "birthDate")
    gender = element(fields.String(validate=validate.OneOf(codes.GENDERS)), "sealed", "gender")
    telecom = element(list_of(ContactPoint, 1), "sealed", "telecom")
    address = element(list_of(Address, 1), "sealed", "address")
    communication = element(list_of(Communication, 1), "sealed", "communication")


class Subject(Shape):
    """The contained person."""

    reference = element(fields.String(required=True, validate=LABEL), "internal", "reference")
    type = element(fields.String(validate=validate.OneOf(("Patient",))), "internal", "type")
    display = element(fields.String(validate=LABEL), "sealed", "display")


class Flag(Shape):
    """One of our extensions (docs/fhir.md)."""

    url = element(one_of(*FLAGS), "internal", "url")
    value_code = element(fields.String(validate=validate.OneOf(FLAG_CODES)), "offence", "valueCode")
    value_string = element(fields.String(validate=LABEL), "offence", "valueString")
    value_boolean = element(fields.Boolean(truthy={True}, falsy={False}), "offence", "valueBoolean")


class NeedCoding(Shape):
    """A need by its code."""

    system = element(one_of(fhir.NEED), "internal", "system")
    code = element(one_of(*codes.NEEDS), "sealed", "code")
    display = element(fields.String(validate=LABEL), "internal", "display")


class Reason(Shape):
    """A need by its code, or the reason as a text."""

    coding = element(list_of(NeedCoding, 1), "sealed", "coding")
    text = element(fields.String(validate=TEXT), "sealed", "text")


class KindCoding(Shape):
    """The kind of the referral."""

    system = element(one_of(fhir.KIND), "internal", "system")
    code = element(one_of(lifecycle.ORDINARY, lifecycle.CHILD_CONCERN), "internal", "code")
    display = element(fields.String(validate=LABEL), "internal", "display")


class Category(Shape):
    """The kind of the referral."""

    coding = element(list_of(KindCoding, 1, least=1), "internal", "coding")


class AreaCoding(Shape):
    """A municipality or county by its code."""

    system = element(one_of(fhir.AREA), "internal", "system")
    code = element(fields.String(required=True, validate=LABEL), "internal", "code")
    display = element(fields.String(validate=LABEL), "internal", "display")


class Location(Shape):
    """The area whose queue it goes to, in place of a performer."""

    coding = element(list_of(AreaCoding, 1, least=1), "internal", "coding")


class Period(Shape):
    """From when."""

    start = element(fields.String(required=True, validate=DAY), "internal", "start")


class NewServiceRequest(Shape):
    """A referral that is to be made and sent: the same ten fields as POST /referrals, in the words of R4."""

    resource_type = element(one_of(fhir.SERVICE_REQUEST), "internal", "resourceType")
    id = element(fields.String(validate=ID), "internal", "id")
    meta = element(fields.Nested(Ignored), "internal", "meta")
    contained = element(list_of(Patient, 1, least=1), "sealed", "contained")
    extension = element(list_of(Flag, len(FLAGS)), "offence", "extension")
    identifier = element(list_of(OwnReference, 1), "sealed", "identifier")
    status = element(one_of("active"), "internal", "status")
    intent = element(one_of("order"), "internal", "intent")
    category = element(list_of(Category, 1), "internal", "category")
    priority = element(
        fields.String(load_default="routine", validate=validate.OneOf(tuple(fhir.URGENCIES))), "internal", "priority"
    )
    subject = element(fields.Nested(Subject, required=True), "sealed", "subject")
    occurrence_period = element(fields.Nested(Period), "internal", "occurrencePeriod")
    occurrence_date_time = element(fields.String(validate=DAY), "internal", "occurrenceDateTime")
    authored_on = element(fields.String(validate=DAY), "internal", "authoredOn")
    requester = element(fields.Nested(Requester), "internal", "requester")
    performer = element(list_of(Performer, 2), "internal", "performer")
    location_code = element(list_of(Location, 1), "internal", "locationCode")
    reason_code = element(list_of(Reason, len(codes.NEEDS) + 1, least=1), "sealed", "reasonCode")


REQUEST_EXAMPLE: dict[str, Any] = {
    "resourceType": "ServiceRequest",
    "status": "active",
    "intent": "order",
    "priority": "urgent",
    "contained": [
        {"resourceType": "Patient", "id": "person", "name": [{"text": "Demo Pavyzdys"}], "birthDate": "1985"},
    ],
    "subject": {"reference": "#person"},
    "performer": [
        {
            "type": "HealthcareService",
            "identifier": {"system": "urn:tukiverkko:service", "value": "lt-kavkc-behaviour-change"},
        }
    ],
    "reasonCode": [
        {"coding": [{"system": "urn:tukiverkko:need", "code": "violence_own_use"}]},
        {"text": "Invented case: police were called, he asks for help to stop."},
    ],
    "extension": [
        {"url": "urn:tukiverkko:fhir:role", "valueCode": "used_violence"},
        {"url": "urn:tukiverkko:fhir:contact-via", "valueCode": "referrer"},
        {"url": "urn:tukiverkko:fhir:ordered", "valueBoolean": False},
        {"url": "urn:tukiverkko:fhir:person-informed", "valueCode": "yes"},
    ],
}
