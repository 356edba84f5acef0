"""The routes of indicators."""

from __future__ import annotations

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.groups.schemas import indicators as shapes
from services.groups.usecases import indicators


class Indicators:
    """What programmes reached, for whoever pays for them."""

    db: Database

    @route(
        "GET",
        "/groups/indicators",
        operation="indicator.read",
        query=shapes.IndicatorQuery,
        answers=shapes.Indicators,
        summary="Planned and reached by programme or funder, for a fixed period; no figure of men below five",
    )
    def indicators(self, call: Call) -> Outcome:
        """Show the figures."""
        return indicators.read(self.db, call)

    @route(
        "GET",
        "/groups/indicators.csv",
        operation="indicator.read",
        query=shapes.IndicatorQuery,
        raw=True,
        gives="text/csv",
        summary="The same as a table",
    )
    def indicators_csv(self, call: Call) -> bytes:
        """Give the table."""
        return indicators.read_csv(self.db, call)
