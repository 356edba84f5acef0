"""The routes of reports on the network (directory.md section 1, Network)."""

from __future__ import annotations

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.directory import schemas
from services.directory.usecases import reporting


class Network:
    """Who works with whom, in figures."""

    db: Database

    @route(
        "GET",
        "/directory/network/members",
        operation="directory.members",
        public=True,
        query=schemas.MembersQuery,
        answers=schemas.Membership,
        many=True,
        summary="Members of associations, coalitions and networks, on a day",
    )
    def network_members(self, call: Call) -> Outcome:
        """Members."""
        return reporting.members(self.db, call)

    @route(
        "GET",
        "/directory/network/initiatives/<initiative>",
        operation="directory.initiative",
        public=True,
        answers=schemas.InitiativeReport,
        summary="An initiative: partners, period, funder, outputs, indicators planned, reached and counted",
    )
    def network_initiative(self, call: Call) -> Outcome:
        """One initiative."""
        return reporting.initiative(self.db, call)

    @route(
        "GET",
        "/directory/network/licences",
        operation="directory.licences",
        public=True,
        query=schemas.LicencesQuery,
        answers=schemas.LicenceView,
        many=True,
        summary="Which programmes run where under a licence, and whom to ask",
    )
    def network_licences(self, call: Call) -> Outcome:
        """Licences."""
        return reporting.licences(self.db, call)

    @route(
        "GET",
        "/directory/network/facilitators",
        operation="directory.facilitators",
        public=True,
        query=schemas.FacilitatorsQuery,
        answers=schemas.Facilitator,
        many=True,
        summary="Trained facilitators by their codes, on a day",
    )
    def network_facilitators(self, call: Call) -> Outcome:
        """Facilitators."""
        return reporting.facilitators(self.db, call)
