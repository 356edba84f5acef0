"""The routes of programmes."""

from __future__ import annotations

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.groups import schemas
from services.groups.usecases import programmes


class Programmes:
    """What all groups of one kind of an organisation have in common."""

    db: Database

    @route(
        "POST",
        "/programmes",
        operation="programme.create",
        body=schemas.NewProgramme,
        answers=schemas.ProgrammeView,
        status=201,
        changes=True,
        example=schemas.NEW_PROGRAMME_EXAMPLE,
        summary="Make a programme",
    )
    def create_programme(self, call: Call) -> Outcome:
        """Make a programme."""
        return programmes.create(self.db, call)

    @route(
        "GET",
        "/programmes",
        operation="programme.list",
        query=schemas.ListQuery,
        answers=schemas.ProgrammeView,
        many=True,
        summary="The programmes of my organisation, newest first",
    )
    def list_programmes(self, call: Call) -> Outcome:
        """List the programmes."""
        return programmes.listed(self.db, call)

    @route(
        "GET",
        "/programmes/<uuid:programme_id>",
        operation="programme.list",
        answers=schemas.ProgrammeView,
        summary="One programme of my organisation",
    )
    def read_programme(self, call: Call) -> Outcome:
        """Show a programme."""
        return programmes.read(self.db, call)

    @route(
        "POST",
        "/programmes/<uuid:programme_id>/change",
        operation="programme.change",
        body=schemas.ProgrammeChange,
        answers=schemas.ProgrammeView,
        changes=True,
        needs_version=True,
        example={"min_age": 18},
        summary="Change what a programme says; what is not named stays",
    )
    def change_programme(self, call: Call) -> Outcome:
        """Change a programme."""
        return programmes.change(self.db, call)
