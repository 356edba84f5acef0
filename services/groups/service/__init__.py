"""The door of groups: HTTP routes, subscriptions and the sweeper; every method hands on to one use case."""

from __future__ import annotations

from nameko.timer import timer

from chassis.accountable import accountable
from chassis.db import Database, Work
from chassis.envelope import Received
from chassis.http import route
from chassis.operating import operated
from chassis.providers import DatabaseProvider
from chassis.requests import Call, Outcome
from chassis.subscribe import subscribe
from services.groups import schemas, usecases
from services.groups.rules.rights import OPERATIONS, POLICY
from services.groups.service.apart import Apart
from services.groups.service.attendance import Attendance
from services.groups.service.certificates import Certificates
from services.groups.service.exporting import Exporting
from services.groups.service.glass import Glass
from services.groups.service.indicators import Indicators
from services.groups.service.own import Own
from services.groups.service.programmes import Programmes
from services.groups.service.reaching import Reaching
from services.groups.service.season import Season
from services.groups.service.sessions import Sessions
from services.groups.service.staff import Staff

SWEEP_SECONDS = 60


@accountable(usecases.RECORDS)
@operated
class GroupsService(
    Apart, Attendance, Certificates, Exporting, Glass, Indicators, Own, Programmes, Reaching, Season, Sessions, Staff
):
    """Programmes, groups and sign-ups."""

    name = "groups"
    operations = OPERATIONS
    policy = POLICY
    db: Database = DatabaseProvider()

    @route(
        "POST",
        "/groups",
        operation="group.create",
        body=schemas.NewGroup,
        answers=schemas.GroupView,
        status=201,
        changes=True,
        example=schemas.NEW_GROUP_EXAMPLE,
        summary="Make a group, as a draft",
    )
    def create_group(self, call: Call) -> Outcome:
        """Make a draft."""
        return usecases.create_group(self.db, call)

    @route(
        "POST",
        "/groups/<uuid:group_id>/open",
        operation="group.open",
        body=schemas.Opening,
        answers=schemas.GroupView,
        changes=True,
        needs_version=True,
        example={},
        summary="Open a draft for sign-ups",
    )
    def open_group(self, call: Call) -> Outcome:
        """Open a draft."""
        return usecases.open_group(self.db, call)

    @route(
        "GET",
        "/groups",
        operation="group.list",
        public=True,
        query=schemas.GroupQuery,
        answers=schemas.PublicGroup,
        many=True,
        summary="The groups that take sign-ups, newest first",
    )
    def list_groups(self, call: Call) -> Outcome:
        """List open groups."""
        return usecases.list_groups(self.db, call)

    @route(
        "GET",
        "/groups/<uuid:group_id>",
        operation="group.read",
        public=True,
        answers=schemas.GroupView,
        summary="A group's page; its own organisation sees more",
    )
    def read_group(self, call: Call) -> Outcome:
        """Show a group."""
        return usecases.read_group(self.db, call)

    @route(
        "GET",
        "/groups/<uuid:group_id>/roster",
        operation="group.roster",
        query=schemas.RosterQuery,
        answers=schemas.RosterLine,
        many=True,
        summary="The men of a group by alias, the queue in its order",
    )
    def roster(self, call: Call) -> Outcome:
        """Show the roster."""
        return usecases.roster(self.db, call)

    @route(
        "POST",
        "/signups",
        operation="signup.create",
        public=True,
        body=schemas.NewSignUp,
        answers=schemas.NewSignUpView,
        status=201,
        changes=True,
        example=schemas.NEW_SIGN_UP_EXAMPLE,
        summary="Sign up for a group, by a contact or by code only; the return code is shown this once",
    )
    def sign_up(self, call: Call) -> Outcome:
        """Sign up."""
        return usecases.sign_up(self.db, call)

    @route(
        "POST",
        "/signups/status",
        operation="signup.status",
        public=True,
        body=schemas.Card,
        answers=schemas.SignUpView,
        example=schemas.CARD_EXAMPLE,
        summary="My own sign-up, by return code and PIN",
    )
    def status(self, call: Call) -> Outcome:
        """Show his own sign-up."""
        return usecases.status(self.db, call)

    @route(
        "POST",
        "/signups/<uuid:signup_id>/offer/accept",
        operation="signup.accept",
        public=True,
        body=schemas.Card,
        answers=schemas.SignUpView,
        changes=True,
        example=schemas.CARD_EXAMPLE,
        summary="Take the offered seat",
    )
    def accept_offer(self, call: Call) -> Outcome:
        """Take the seat."""
        return usecases.accept_offer(self.db, call)

    @route(
        "POST",
        "/signups/<uuid:signup_id>/offer/decline",
        operation="signup.decline",
        public=True,
        body=schemas.Card,
        answers=schemas.SignUpView,
        changes=True,
        example=schemas.CARD_EXAMPLE,
        summary="Say no to the offered seat",
    )
    def decline_offer(self, call: Call) -> Outcome:
        """Say no."""
        return usecases.decline_offer(self.db, call)

    @route(
        "POST",
        "/signups/<uuid:signup_id>/withdraw",
        operation="signup.withdraw",
        public=True,
        body=schemas.Card,
        answers=schemas.SignUpView,
        changes=True,
        example=schemas.CARD_EXAMPLE,
        summary="Leave, at once",
    )
    def withdraw(self, call: Call) -> Outcome:
        """Leave."""
        return usecases.withdraw(self.db, call)

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

    @subscribe(*usecases.REFERRAL_TYPES)
    def keep_referral(self, work: Work, received: Received) -> None:
        """Keep what we have to know of a referral, and cut what was made of one that is over."""
        usecases.keep_referral(work, received)

    @timer(interval=SWEEP_SECONDS)  # type: ignore[untyped-decorator]  # nameko is untyped
    def sweep(self) -> None:
        """Let overdue offers lapse where nobody asks."""
        usecases.sweep(self.db)
        usecases.drop_cards(self.db)
        usecases.sweep_risks(self.db)

    @subscribe("republish.requested")
    def tell_again(self, work: Work, received: Received) -> None:
        """Tell events again to a service that misses some."""
        usecases.tell_again(work, received)
