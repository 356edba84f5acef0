"""Routes for the area queue: cards that a candidate reads, passes or takes."""

from __future__ import annotations

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.referrals import schemas
from services.referrals.schemas.transitions import EXAMPLES, Acceptance, Nothing
from services.referrals.usecases import area


class AreaQueue:
    """Read, pass and take cards."""

    db: Database

    @route(
        "GET",
        "/referrals/area-offers",
        operation="area_offer.list",
        query=schemas.CardQuery,
        answers=schemas.AreaCard,
        many=True,
        summary="Referrals that wait in the queue of an area that my organisation serves, newest first",
    )
    def area_offers(self, call: Call) -> Outcome:
        """List cards."""
        return area.cards(self.db, call)

    @route(
        "GET",
        "/referrals/area-offers/<uuid:offer_id>",
        operation="area_offer.read",
        answers=schemas.AreaCard,
        summary="One card: needs, area, age band, language, urgency; nothing about who it is",
    )
    def area_offer(self, call: Call) -> Outcome:
        """Read one card."""
        return area.card(self.db, call)

    @route(
        "POST",
        "/referrals/area-offers/<uuid:offer_id>/acknowledge",
        operation="area_offer.acknowledge",
        body=Nothing,
        answers=schemas.ReferralView,
        changes=True,
        example={},
        summary="Take it and confirm receipt; exactly one organisation can",
    )
    def area_acknowledge(self, call: Call) -> Outcome:
        """Take it."""
        return area.take(self.db, call, "acknowledge")

    @route(
        "POST",
        "/referrals/area-offers/<uuid:offer_id>/accept",
        operation="area_offer.accept",
        body=Acceptance,
        answers=schemas.ReferralView,
        changes=True,
        example=EXAMPLES["accept"],
        summary="Take it and accept the person; exactly one organisation can",
    )
    def area_accept(self, call: Call) -> Outcome:
        """Take it and accept."""
        return area.take(self.db, call, "accept")

    @route(
        "POST",
        "/referrals/area-offers/<uuid:offer_id>/pass",
        operation="area_offer.pass",
        body=Nothing,
        answers=schemas.Passed,
        changes=True,
        example={},
        summary="Hide the card; nobody learns of it",
    )
    def area_pass(self, call: Call) -> Outcome:
        """Pass."""
        return area.passed(self.db, call)
