"""The shape of a FHIR Task as it comes in: a step of the lifecycle, by the status that the Task is to have."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from chassis.schema import Shape
from services.referrals.rules import fhir, lifecycle
from services.referrals.schemas.fhir import CODE, DAY, ID, LABEL, TEXT, Ignored, Requester, element, list_of, one_of


class ReasonCoding(Shape):
    """A code of the list that the transition takes."""

    system = element(one_of(fhir.REASON), "internal", "system")
    code = element(fields.String(required=True, validate=CODE), "sealed", "code")
    display = element(fields.String(validate=LABEL), "internal", "display")


class StatusReason(Shape):
    """Why."""

    coding = element(list_of(ReasonCoding, 1, least=1), "sealed", "coding")


class StateCoding(Shape):
    """A state of the lifecycle."""

    system = element(one_of(fhir.STATE), "internal", "system")
    code = element(one_of(*fhir.STATES), "internal", "code")
    display = element(fields.String(validate=LABEL), "internal", "display")


class BusinessStatus(Shape):
    """The state, where the status alone leaves it open."""

    coding = element(list_of(StateCoding, 1, least=1), "internal", "coding")


class ActionFlag(Shape):
    """The transition by its name, where status and businessStatus leave it open; what was allowed is left aside."""

    url = element(one_of(fhir.ACTION, fhir.ALLOWED_ACTION), "internal", "url")
    value_code = element(one_of(*lifecycle.ACTORS), "internal", "valueCode")


class FieldCoding(Shape):
    """A field of the transition, such as responsible or attendance.held."""

    system = element(one_of(fhir.FIELD), "internal", "system")
    code = element(fields.String(required=True, validate=CODE), "internal", "code")
    display = element(fields.String(validate=LABEL), "internal", "display")


class FieldType(Shape):
    """Which field."""

    coding = element(list_of(FieldCoding, 1, least=1), "internal", "coding")


class LevelCoding(Shape):
    """How far a goal was reached."""

    system = element(one_of(fhir.GOAL_LEVEL), "internal", "system")
    code = element(fields.String(required=True, validate=CODE), "sealed", "code")
    display = element(fields.String(validate=LABEL), "internal", "display")


class GoalConcept(Shape):
    """A goal as a text, with its level."""

    coding = element(list_of(LevelCoding, 1, least=1), "sealed", "coding")
    text = element(fields.String(required=True, validate=LABEL), "sealed", "text")


class Input(Shape):
    """One thing that the transition is told."""

    type = element(fields.Nested(FieldType, required=True), "internal", "type")
    value_string = element(fields.String(validate=TEXT), "sealed", "valueString")
    value_code = element(fields.String(validate=CODE), "sealed", "valueCode")
    value_date = element(fields.String(validate=DAY), "sealed", "valueDate")
    value_date_time = element(fields.String(validate=DAY), "sealed", "valueDateTime")
    value_integer = element(fields.Integer(strict=True), "sealed", "valueInteger")
    value_concept = element(fields.Nested(GoalConcept), "sealed", "valueCodeableConcept")


class Annotation(Shape):
    """A text to the reason or instead of it."""

    text = element(fields.String(required=True, validate=TEXT), "sealed", "text")


class Focus(Shape):
    """The request that is worked on."""

    reference = element(
        fields.String(required=True, validate=validate.Regexp(r"^ServiceRequest/[0-9a-fA-F-]{36}\Z")),
        "internal",
        "reference",
    )
    type = element(fields.String(validate=validate.OneOf((fhir.SERVICE_REQUEST,))), "internal", "type")
    display = element(fields.String(validate=LABEL), "internal", "display")


class ChangedTask(Shape):
    """A step of the lifecycle, by the status that the Task is to have; what it showed before may be sent back."""

    resource_type = element(one_of(fhir.TASK), "internal", "resourceType")
    id = element(fields.String(validate=ID), "internal", "id")
    meta = element(fields.Nested(Ignored), "internal", "meta")
    extension = element(list_of(ActionFlag, 30), "internal", "extension")
    status = element(one_of(*fhir.statuses(fhir.TASK)), "internal", "status")
    status_reason = element(fields.Nested(StatusReason), "internal", "statusReason")
    business_status = element(fields.Nested(BusinessStatus), "internal", "businessStatus")
    intent = element(one_of("order"), "internal", "intent")
    priority = element(fields.String(validate=CODE), "internal", "priority")
    code = element(fields.Dict(keys=fields.String()), "internal", "code")
    focus = element(fields.Nested(Focus), "internal", "focus")
    authored_on = element(fields.String(validate=DAY), "internal", "authoredOn")
    last_modified = element(fields.String(validate=DAY), "internal", "lastModified")
    requester = element(fields.Nested(Requester), "internal", "requester")
    owner = element(fields.Nested(Requester), "internal", "owner")
    note = element(list_of(Annotation, 1), "sealed", "note")
    input = element(list_of(Input, 50), "sealed", "input")


class NewTask(ChangedTask):
    """The same where no path says of which referral: its focus does."""

    focus = element(fields.Nested(Focus, required=True), "internal", "focus")


CHANGE_EXAMPLE: dict[str, Any] = {"resourceType": "Task", "status": "received", "intent": "order"}
TASK_EXAMPLE: dict[str, Any] = {
    **CHANGE_EXAMPLE,
    "focus": {"reference": "ServiceRequest/00000000-0000-4000-8000-000000000000"},
}
