"""Routes for drafts: what only the sender sees so far."""

from __future__ import annotations

from nameko.timer import timer

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.referrals import schemas, usecases
from services.referrals.schemas.transitions import Nothing

PURGE_SECONDS = 3600


class Drafts:
    """Change, send and drop a draft."""

    db: Database

    @route(
        "GET",
        "/referrals/drafts",
        operation="referral.drafts",
        query=schemas.ListQuery,
        answers=schemas.ReferralSummary,
        many=True,
        summary="My organisation's drafts, last changed first",
    )
    def drafts(self, call: Call) -> Outcome:
        """List drafts."""
        return usecases.drafts(self.db, call)

    @route(
        "PUT",
        "/referrals/<uuid:referral_id>",
        operation="referral.edit",
        body=schemas.NewReferral,
        answers=schemas.ReferralView,
        changes=True,
        needs_version=True,
        example={"draft": True, "urgency": "standard"},
        summary="Put other content into a draft",
    )
    def edit(self, call: Call) -> Outcome:
        """Change a draft."""
        return usecases.edit(self.db, call)

    @route(
        "POST",
        "/referrals/<uuid:referral_id>/submit",
        operation="referral.submit",
        body=Nothing,
        answers=schemas.ReferralView,
        changes=True,
        needs_version=True,
        example={},
        summary="Send a draft; what is still missing is named",
    )
    def submit(self, call: Call) -> Outcome:
        """Send a draft."""
        return usecases.submit(self.db, call)

    @route(
        "POST",
        "/referrals/<uuid:referral_id>/discard",
        operation="referral.discard",
        body=Nothing,
        answers=schemas.ReferralView,
        changes=True,
        needs_version=True,
        example={},
        summary="Drop a draft; its content is erased",
    )
    def discard(self, call: Call) -> Outcome:
        """Drop a draft."""
        return usecases.discard(self.db, call)

    @timer(interval=PURGE_SECONDS)  # type: ignore[untyped-decorator]  # nameko is untyped
    def purge_drafts(self) -> None:
        """Drop drafts that nobody touched for a month."""
        usecases.purge(self.db)
