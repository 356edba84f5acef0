"""The routes by which leads say who of their organisation may open a case."""

from __future__ import annotations

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.referrals.schemas import rights as schemas
from services.referrals.usecases import rights as usecases


class Rights:
    """Unit and worker of a case, named and barred members, and who looked from outside."""

    db: Database

    @route(
        "GET",
        "/referrals/outside-reads",
        operation="referral.outside_reads",
        query=schemas.OutsideQuery,
        answers=schemas.OutsideRead,
        many=True,
        summary="Who read cases of another unit, and for what reason; for leads, newest first",
    )
    def outside_reads(self, call: Call) -> Outcome:
        """List the looks from outside."""
        return usecases.outside_reads(self.db, call)

    @route(
        "GET",
        "/referrals/<uuid:referral_id>/access",
        operation="referral.access",
        answers=schemas.AccessView,
        summary="Who of my organisation may open the case",
    )
    def access(self, call: Call) -> Outcome:
        """Show who may open it."""
        return usecases.access(self.db, call)

    @route(
        "POST",
        "/referrals/<uuid:referral_id>/assign",
        operation="referral.assign",
        body=schemas.Assignment,
        answers=schemas.AccessView,
        changes=True,
        example=schemas.ASSIGNMENT_EXAMPLE,
        summary="Give the case to a unit, a worker, or both",
    )
    def assign(self, call: Call) -> Outcome:
        """Assign."""
        return usecases.assign(self.db, call)

    @route(
        "POST",
        "/referrals/<uuid:referral_id>/restrict",
        operation="referral.restrict",
        body=schemas.Restriction,
        answers=schemas.AccessView,
        changes=True,
        example=schemas.RESTRICTION_EXAMPLE,
        summary="Open the case to these members only, and to me",
    )
    def restrict(self, call: Call) -> Outcome:
        """Restrict."""
        return usecases.restrict(self.db, call)

    @route(
        "POST",
        "/referrals/<uuid:referral_id>/unrestrict",
        operation="referral.unrestrict",
        body=schemas.Lifting,
        answers=schemas.AccessView,
        changes=True,
        example={},
        summary="Open the case to its unit again",
    )
    def unrestrict(self, call: Call) -> Outcome:
        """Lift the restriction."""
        return usecases.unrestrict(self.db, call)

    @route(
        "POST",
        "/referrals/<uuid:referral_id>/bar",
        operation="referral.bar",
        body=schemas.Member,
        answers=schemas.AccessView,
        changes=True,
        example=schemas.MEMBER_EXAMPLE,
        summary="Close the case to one member, such as a relative",
    )
    def bar(self, call: Call) -> Outcome:
        """Bar a member."""
        return usecases.bar(self.db, call)

    @route(
        "POST",
        "/referrals/<uuid:referral_id>/unbar",
        operation="referral.unbar",
        body=schemas.Member,
        answers=schemas.AccessView,
        changes=True,
        example=schemas.MEMBER_EXAMPLE,
        summary="Open the case to a barred member again",
    )
    def unbar(self, call: Call) -> Outcome:
        """Let a member in again."""
        return usecases.unbar(self.db, call)
