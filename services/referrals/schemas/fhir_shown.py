"""Shapes of FHIR R4 resources as they go out, and of what may be asked for; docs/fhir.md says the inner parts."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate

from chassis.errors import Malformed
from chassis.paging import DEFAULT, MOST
from chassis.schema import Fault, Shape, classified
from services.referrals.rules import fhir, fhir_searching, rights
from services.referrals.schemas.fhir import LABEL, element, one_of

FORMATS = ("json", "application/json", "application/fhir+json")


def _parts(kind: str, name: str) -> fields.List[Any]:
    return element(fields.List(fields.Dict(keys=fields.String())), kind, name)


def _part(kind: str, name: str) -> fields.Dict:
    return element(fields.Dict(keys=fields.String()), kind, name)


def _text(kind: str, name: str) -> fields.String:
    return element(fields.String(), kind, name)


class ServiceRequest(Shape):
    """A referral, as the caller's side may see it."""

    resource_type = element(one_of(fhir.SERVICE_REQUEST), "internal", "resourceType")
    id = element(fields.String(required=True), "internal", "id")
    meta = _part("internal", "meta")
    contained = _parts("sealed", "contained")
    extension = _parts("offence", "extension")
    identifier = _parts("sealed", "identifier")
    status = element(one_of(*fhir.statuses(fhir.SERVICE_REQUEST)), "internal", "status")
    intent = element(one_of("order"), "internal", "intent")
    category = _parts("internal", "category")
    priority = element(one_of(*fhir.URGENCIES), "internal", "priority")
    subject = element(fields.Dict(keys=fields.String(), required=True), "internal", "subject")
    occurrence_period = _part("internal", "occurrencePeriod")
    authored_on = _text("internal", "authoredOn")
    requester = _part("internal", "requester")
    performer = _parts("internal", "performer")
    location_code = _parts("internal", "locationCode")
    reason_code = _parts("sealed", "reasonCode")


class Task(Shape):
    """Where the work on a referral stands, as the caller's side may know it; nothing about the person."""

    resource_type = element(one_of(fhir.TASK), "internal", "resourceType")
    id = element(fields.String(required=True), "internal", "id")
    meta = _part("internal", "meta")
    extension = _parts("internal", "extension")
    status = element(one_of(*fhir.statuses(fhir.TASK)), "internal", "status")
    status_reason = _part("sealed", "statusReason")
    business_status = _part("internal", "businessStatus")
    intent = element(one_of("order"), "internal", "intent")
    priority = element(one_of(*fhir.URGENCIES), "internal", "priority")
    code = _part("internal", "code")
    focus = _part("internal", "focus")
    authored_on = _text("internal", "authoredOn")
    last_modified = _text("internal", "lastModified")
    requester = _part("internal", "requester")
    owner = _part("internal", "owner")


class Bundle(Shape):
    """A page of a search, newest first."""

    resource_type = element(one_of("Bundle"), "internal", "resourceType")
    type = element(one_of("searchset"), "internal", "type")
    link = _parts("internal", "link")
    entry = _parts("internal", "entry")


class CapabilityStatement(Shape):
    """What is spoken here."""

    resource_type = element(one_of("CapabilityStatement"), "public", "resourceType")
    status = _text("public", "status")
    date = _text("public", "date")
    kind = _text("public", "kind")
    software = _part("public", "software")
    implementation = _part("public", "implementation")
    fhir_version = _text("public", "fhirVersion")
    format = element(fields.List(fields.String()), "public", "format")
    rest = _parts("public", "rest")


class FormatQuery(Shape):
    """The form of the answer; there is one."""

    format = element(fields.String(validate=validate.OneOf(FORMATS)), "public", "_format")


class ReadQuery(FormatQuery):
    """Why a member of another unit looks; not needed inside one's own."""

    reason = classified(fields.String(load_default=None, validate=validate.OneOf(rights.REASONS)), "internal")


def _known(kind: str) -> Any:
    def known(text: str) -> None:
        if not set(text.split(",")) <= set(fhir.statuses(kind)):
            raise ValidationError(Fault("choice", f"Known here: {', '.join(fhir.statuses(kind))}."))

    return known


def is_moment(text: str) -> None:
    """A prefix and a date or time."""
    try:
        fhir_searching.bounds(text)
    except Malformed as error:
        raise ValidationError(Fault("pattern", error.detail)) from None


class SearchQuery(FormatQuery):
    """What both searches know."""

    id = element(fields.UUID(load_default=None), "public", "_id")
    last_updated = element(
        fields.List(fields.String(validate=[validate.Length(1, 50), is_moment]), load_default=list,
                    validate=validate.Length(max=2)),
        "public",
        "_lastUpdated",
    )  # fmt: skip
    requester = element(fields.String(load_default=None, validate=LABEL), "public", "requester")
    requester_identifier = element(fields.String(load_default=None, validate=LABEL), "public", "requester:identifier")
    count = element(fields.Integer(load_default=DEFAULT, validate=validate.Range(1, MOST)), "public", "_count")
    cursor = element(fields.String(load_default=None), "public", "_cursor")


class RequestQuery(SearchQuery):
    """Of ServiceRequests: by status, by who asks and by who is asked."""

    status = element(fields.String(load_default=None, validate=_known(fhir.SERVICE_REQUEST)), "public", "status")
    performer = element(fields.String(load_default=None, validate=LABEL), "public", "performer")
    performer_identifier = element(fields.String(load_default=None, validate=LABEL), "public", "performer:identifier")


class TaskQuery(SearchQuery):
    """Of Tasks: by status, by who asks and by who is asked."""

    status = element(fields.String(load_default=None, validate=_known(fhir.TASK)), "public", "status")
    owner = element(fields.String(load_default=None, validate=LABEL), "public", "owner")
    owner_identifier = element(fields.String(load_default=None, validate=LABEL), "public", "owner:identifier")
