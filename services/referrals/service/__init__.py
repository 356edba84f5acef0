"""The door of referrals: HTTP routes and subscriptions; every method hands on to one use case."""

from __future__ import annotations

from chassis.accountable import accountable
from chassis.db import Database, Work
from chassis.envelope import Received
from chassis.http import route
from chassis.operating import operated
from chassis.providers import DatabaseProvider, SettingsProvider
from chassis.requests import Call, Outcome
from chassis.settings import Settings
from chassis.subscribe import subscribe
from services.referrals import schemas, usecases
from services.referrals.rules.rights import OPERATIONS, POLICY
from services.referrals.schemas.rights import ReasonQuery
from services.referrals.service.area import AreaQueue
from services.referrals.service.attachments import Attachments
from services.referrals.service.clocks import Clocks
from services.referrals.service.drafts import Drafts
from services.referrals.service.fhir import Fhir
from services.referrals.service.importing import Importing
from services.referrals.service.legal import Legal
from services.referrals.service.links import Links
from services.referrals.service.lists import Lists
from services.referrals.service.messages import Messages
from services.referrals.service.record import CaseRecord
from services.referrals.service.reports import Reports
from services.referrals.service.rights import Rights
from services.referrals.service.transitions import Transitions


@accountable(usecases.RECORDS)
@operated
class ReferralsService(
    AreaQueue,
    Attachments,
    CaseRecord,
    Clocks,
    Drafts,
    Fhir,
    Importing,
    Legal,
    Links,
    Lists,
    Messages,
    Reports,
    Transitions,
    Rights,
):
    """Referrals between institutions."""

    name = "referrals"
    operations = OPERATIONS
    policy = POLICY
    db: Database = DatabaseProvider()
    settings: Settings = SettingsProvider()

    @route(
        "POST",
        "/referrals",
        operation="referral.create",
        body=schemas.NewReferral,
        answers=schemas.ReferralView,
        status=201,
        changes=True,
        example=schemas.NEW_REFERRAL_EXAMPLE,
        summary="Create and submit a referral",
    )
    def create(self, call: Call) -> Outcome:
        """Create and submit."""
        return usecases.create(self.db, call)

    @route(
        "GET",
        "/referrals/<uuid:referral_id>",
        operation="referral.read",
        query=ReasonQuery,
        answers=schemas.ReferralView,
        summary="One referral, as my side may see it",
    )
    def read(self, call: Call) -> Outcome:
        """Read one."""
        return usecases.read(self.db, call)

    @route(
        "GET",
        "/referrals/<uuid:referral_id>/history",
        operation="referral.history",
        query=schemas.HistoryQuery,
        answers=schemas.HistoryEntry,
        many=True,
        summary="Who moved it, when and why, and how long it stood in each state",
    )
    def history(self, call: Call) -> Outcome:
        """Read the history."""
        return usecases.history(self.db, call)

    @route(
        "GET",
        "/referrals/<uuid:referral_id>/duplicates",
        operation="referral.duplicates",
        answers=schemas.Duplicates,
        summary="Other open referrals of my organisation with the same phone, e-mail, or name and birth year",
    )
    def duplicates(self, call: Call) -> Outcome:
        """Find duplicates."""
        return usecases.duplicates(self.db, call)

    @subscribe(
        "organisation.registered",
        "organisation.changed",
        "organisation.suspended",
        "organisation.removed",
        "organisation.baseline",
    )
    def keep_organisation(self, work: Work, received: Received) -> None:
        """Keep the local copy of the directory."""
        usecases.keep_organisation(work, received)

    @subscribe(
        "service.published",
        "service.changed",
        "service.withdrawn",
        "service.verified",
        "service.became_stale",
        "service.baseline",
    )
    def keep_service(self, work: Work, received: Received) -> None:
        """Keep the local copy of the directory."""
        usecases.keep_service(work, received)

    @subscribe("placement.changed", "placement.reported", "placement.baseline")
    def hear_of_placement(self, work: Work, received: Received) -> None:
        """Let a sign-up move the referral that it was made of."""
        usecases.hear_of_placement(work, received)

    @subscribe("republish.requested")
    def tell_again(self, work: Work, received: Received) -> None:
        """Tell events again to a service that misses some."""
        usecases.tell_again(work, received)
