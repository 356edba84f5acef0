"""The door of the directory: HTTP routes and one subscription; every method hands on to one use case."""

from __future__ import annotations

from nameko.timer import timer

from chassis.db import Database, Work
from chassis.envelope import Received
from chassis.http import route
from chassis.operating import operated
from chassis.providers import DatabaseProvider
from chassis.requests import Call, Outcome
from chassis.subscribe import subscribe
from services.directory import schemas, usecases
from services.directory.rules.index import GROUP_EVENTS
from services.directory.rules.rights import OPERATIONS, POLICY
from services.directory.service.copying import Copying
from services.directory.service.hsds import Hsds
from services.directory.service.importing import Importing
from services.directory.service.network import Network
from services.directory.service.proposals import Proposals
from services.directory.service.truth import Truth

UPKEEP_SECONDS = 600


@operated
class DirectoryService(Hsds, Copying, Network, Importing, Proposals, Truth):
    """Who is in the network, what they do and where."""

    name = "directory"
    operations = OPERATIONS
    policy = POLICY
    db: Database = DatabaseProvider()

    @route(
        "GET",
        "/directory/organisations",
        operation="directory.organisations",
        public=True,
        query=schemas.OrganisationQuery,
        answers=schemas.OrganisationView,
        many=True,
        summary="Find organisations by name, place and kind",
    )
    def organisations(self, call: Call) -> Outcome:
        """List organisations."""
        return usecases.organisations(self.db, call)

    @route(
        "GET",
        "/directory/organisations/<organisation>",
        operation="directory.organisation",
        public=True,
        answers=schemas.OrganisationDetail,
        summary="One organisation, by key or id",
    )
    def organisation(self, call: Call) -> Outcome:
        """Read one organisation."""
        return usecases.organisation(self.db, call)

    @route(
        "GET",
        "/directory/services",
        operation="directory.services",
        public=True,
        query=schemas.ServiceQuery,
        answers=schemas.ServiceView,
        many=True,
        beside={"understood": schemas.UnderstoodView},
        summary="Find services: who serves this man, here, in his language, with places - and why",
    )
    def services(self, call: Call) -> Outcome:
        """List services."""
        return usecases.services(self.db, call)

    @route(
        "GET",
        "/directory/services/<service>",
        operation="directory.service",
        public=True,
        answers=schemas.ServiceView,
        summary="One service, by key or id",
    )
    def service(self, call: Call) -> Outcome:
        """Read one service."""
        return usecases.service(self.db, call)

    @route(
        "GET",
        "/directory/codes",
        operation="directory.codes",
        public=True,
        answers=schemas.CodeList,
        many=True,
        summary="The code lists with labels in eight languages",
    )
    def codes(self, call: Call) -> Outcome:
        """Read the code lists."""
        return usecases.codes(self.db, call)

    @route(
        "PUT",
        "/directory/services/<service>/accepting",
        operation="directory.service_accepting",
        body=schemas.Accepting,
        answers=schemas.ServiceView,
        changes=True,
        needs_version=True,
        example=schemas.ACCEPTING_EXAMPLE,
        summary="Say whether your service accepts referrals",
    )
    def set_service_accepting(self, call: Call) -> Outcome:
        """Open, put on waiting or close a service of one's own."""
        return usecases.set_service_accepting(self.db, call)

    @route(
        "GET",
        "/directory/network",
        operation="directory.network",
        public=True,
        answers=schemas.NetworkView,
        summary="Who works with whom: memberships, initiatives, indicators, licences, facts",
    )
    def network(self, call: Call) -> Outcome:
        """Read the network."""
        return usecases.network(self.db, call)

    @timer(interval=UPKEEP_SECONDS, eager=True)  # type: ignore[untyped-decorator]  # nameko is untyped
    def keep_up(self) -> None:
        """Tell what was there before the feed was."""
        usecases.catch_up(self.db)

    @subscribe(*GROUP_EVENTS)
    def keep_group(self, work: Work, received: Received) -> None:
        """Keep what groups tell of themselves: whether they take sign-ups, and where."""
        usecases.keep_group(work, received)

    @subscribe("response.measured", "response.baseline")
    def keep_response(self, work: Work, received: Received) -> None:
        """Keep how long a service takes to answer."""
        usecases.keep_response(work, received)

    @subscribe("republish.requested")
    def tell_again(self, work: Work, received: Received) -> None:
        """Tell events again to a service that misses some."""
        usecases.tell_again(work, received)
