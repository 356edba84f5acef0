"""Routes of one-time links; the two without an account are for the gateway's page and for nobody else."""

from __future__ import annotations

from nameko.timer import timer

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.referrals.schemas import links as schemas
from services.referrals.schemas.transitions import Nothing
from services.referrals.usecases import links as usecases

SWEEP_SECONDS = 3600


class Links:
    """Make a link, show what it leads to, answer by it."""

    db: Database

    @route(
        "POST",
        "/referrals/<uuid:referral_id>/links",
        operation="referral.link",
        body=Nothing,
        answers=schemas.LinkMade,
        status=201,
        changes=True,
        example={},
        summary="Make a one-time link by which my organisation answers without an account; it is shown this once",
    )
    def make_link(self, call: Call) -> Outcome:
        """Make a link."""
        return usecases.make(self.db, call)

    @route(
        "POST",
        "/referrals/internal/links/resolve",
        operation="link.resolve",
        public=True,
        internal=True,
        body=schemas.LinkHeld,
        answers=schemas.LinkShown,
        summary="What a one-time link shows",
    )
    def resolve_link(self, call: Call) -> Outcome:
        """Show it."""
        return usecases.resolve(self.db, call)

    @route(
        "POST",
        "/referrals/internal/links/answer",
        operation="link.answer",
        public=True,
        internal=True,
        body=schemas.LinkAnswer,
        answers=schemas.LinkAnswered,
        summary="Answer by a one-time link",
    )
    def answer_link(self, call: Call) -> Outcome:
        """Answer."""
        return usecases.answer(self.db, call)

    @timer(interval=SWEEP_SECONDS)  # type: ignore[untyped-decorator]  # nameko is untyped
    def forget_old_links(self) -> None:
        """Delete links whose time is over."""
        usecases.forget_old(self.db)
