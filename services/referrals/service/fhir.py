"""The routes of FHIR R4: a referral as a ServiceRequest and as a Task (docs/fhir.md)."""

from __future__ import annotations

from chassis import fhir as chassis
from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.referrals.rules import fhir_rights as rights
from services.referrals.rules.fhir import SERVICE_REQUEST, TASK
from services.referrals.schemas import fhir as requests
from services.referrals.schemas import fhir_shown as schemas
from services.referrals.schemas import fhir_task as tasks
from services.referrals.usecases import fhir as usecases


class Fhir:
    """Two resources and what is spoken."""

    db: Database

    @route(
        "GET",
        "/fhir/metadata",
        operation="fhir.metadata",
        public=True,
        query=schemas.FormatQuery,
        answers=schemas.CapabilityStatement,
        gives=chassis.MEDIA_TYPE,
        tag="fhir",
        summary="What is spoken here, as a CapabilityStatement",
    )
    def fhir_metadata(self, call: Call) -> Outcome:  # noqa: ARG002 - a route is given its call
        """Say what is spoken."""
        return usecases.capability(self.db)

    @route(
        "GET",
        "/fhir/ServiceRequest",
        operation=rights.SEARCH,
        query=schemas.RequestQuery,
        answers=schemas.Bundle,
        gives=chassis.MEDIA_TYPE,
        tag="fhir",
        summary="Referrals of my organisation as ServiceRequests, newest first, without the persons",
    )
    def fhir_requests(self, call: Call) -> Outcome:
        """Search requests."""
        return usecases.search(self.db, call, SERVICE_REQUEST)

    @route(
        "POST",
        "/fhir/ServiceRequest",
        operation="referral.create",
        body=requests.NewServiceRequest,
        answers=schemas.ServiceRequest,
        status=201,
        changes=True,
        reads=chassis.READS,
        gives=chassis.MEDIA_TYPE,
        example=requests.REQUEST_EXAMPLE,
        tag="fhir",
        summary="Create and submit a referral",
    )
    def fhir_create(self, call: Call) -> Outcome:
        """Create and submit."""
        return usecases.create(self.db, call)

    @route(
        "GET",
        "/fhir/ServiceRequest/<uuid:referral_id>",
        operation="referral.read",
        query=schemas.ReadQuery,
        answers=schemas.ServiceRequest,
        gives=chassis.MEDIA_TYPE,
        tag="fhir",
        summary="One referral as a ServiceRequest, as my side may see it",
    )
    def fhir_request(self, call: Call) -> Outcome:
        """Read one request."""
        return usecases.read(self.db, call, SERVICE_REQUEST)

    @route(
        "GET",
        "/fhir/Task",
        operation=rights.SEARCH,
        query=schemas.TaskQuery,
        answers=schemas.Bundle,
        gives=chassis.MEDIA_TYPE,
        tag="fhir",
        summary="Where the referrals of my organisation stand, newest first",
    )
    def fhir_tasks(self, call: Call) -> Outcome:
        """Search tasks."""
        return usecases.search(self.db, call, TASK)

    @route(
        "POST",
        "/fhir/Task",
        operation=rights.MOVE,
        body=tasks.NewTask,
        answers=schemas.Task,
        status=201,
        changes=True,
        needs_version=True,
        reads=chassis.READS,
        gives=chassis.MEDIA_TYPE,
        example=tasks.TASK_EXAMPLE,
        tag="fhir",
        summary="Take the step of a referral that leads to this status; its focus says of which",
    )
    def fhir_step(self, call: Call) -> Outcome:
        """Take a step."""
        return usecases.move(self.db, call)

    @route(
        "GET",
        "/fhir/Task/<uuid:referral_id>",
        operation="referral.read",
        query=schemas.ReadQuery,
        answers=schemas.Task,
        gives=chassis.MEDIA_TYPE,
        tag="fhir",
        summary="Where one referral stands, as my side may know it",
    )
    def fhir_task(self, call: Call) -> Outcome:
        """Read one task."""
        return usecases.read(self.db, call, TASK)

    @route(
        "PUT",
        "/fhir/Task/<uuid:referral_id>",
        operation=rights.MOVE,
        body=tasks.ChangedTask,
        answers=schemas.Task,
        changes=True,
        needs_version=True,
        reads=chassis.READS,
        gives=chassis.MEDIA_TYPE,
        example=tasks.CHANGE_EXAMPLE,
        tag="fhir",
        summary="Take the step of a referral that leads to this status",
    )
    def fhir_update(self, call: Call) -> Outcome:
        """Take a step."""
        return usecases.move(self.db, call)
