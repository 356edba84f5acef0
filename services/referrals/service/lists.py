"""Routes of the work lists: what came in, went out, waits for whom, is overdue; and how much of it there is."""

from __future__ import annotations

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.referrals import schemas, usecases


class Lists:
    """Lists without anything about a person."""

    db: Database

    @route(
        "GET",
        "/referrals/inbox",
        operation="referral.inbox",
        query=schemas.ListQuery,
        answers=schemas.ReferralSummary,
        many=True,
        summary="Referrals that my organisation received, newest first",
    )
    def inbox(self, call: Call) -> Outcome:
        """List what came in."""
        return usecases.inbox(self.db, call)

    @route(
        "GET",
        "/referrals/sent",
        operation="referral.sent",
        query=schemas.ListQuery,
        answers=schemas.ReferralSummary,
        many=True,
        summary="Referrals that my organisation sent, newest first",
    )
    def sent(self, call: Call) -> Outcome:
        """List what went out."""
        return usecases.sent(self.db, call)

    @route(
        "GET",
        "/referrals/overdue",
        operation="referral.overdue",
        query=schemas.SideListQuery,
        answers=schemas.ReferralSummary,
        many=True,
        summary="What somebody should have done by now, the longest overdue first",
    )
    def overdue(self, call: Call) -> Outcome:
        """List what is overdue."""
        return usecases.overdue(self.db, call)

    @route(
        "GET",
        "/referrals/awaiting-me",
        operation="referral.awaiting_me",
        query=schemas.SideListQuery,
        answers=schemas.ReferralSummary,
        many=True,
        summary="Where my side has the ball: what waits for an answer or a decision; worker=me for my own",
    )
    def awaiting_me(self, call: Call) -> Outcome:
        """List what waits for us."""
        return usecases.awaiting_me(self.db, call)

    @route(
        "GET",
        "/referrals/waiting-list",
        operation="referral.waiting_list",
        query=schemas.ListQuery,
        answers=schemas.ReferralSummary,
        many=True,
        summary="Who waits for a place, the longest first",
    )
    def waiting_list(self, call: Call) -> Outcome:
        """List who waits."""
        return usecases.waiting_list(self.db, call)

    @route(
        "GET",
        "/referrals/counts",
        operation="referral.counts",
        answers=schemas.Counts,
        summary="How many open referrals stand in each state, and how many of them are overdue, mine, or nobody's",
    )
    def counts(self, call: Call) -> Outcome:
        """Count what is open."""
        return usecases.counts(self.db, call)
