"""The routes of break-glass."""

from __future__ import annotations

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.groups import schemas
from services.groups.schemas import glass as shapes
from services.groups.schemas.parts import Nothing
from services.groups.usecases import glass

GLASS = "/groups/<uuid:group_id>/signups/<uuid:signup_id>/glass"


class Glass:
    """A man's contact outside of duty."""

    db: Database

    @route(
        "POST",
        GLASS,
        operation="glass.break",
        body=shapes.BreakGlass,
        answers=shapes.OpenContact,
        changes=True,
        example={"reason": "leader_unreachable"},
        summary="See how a man of another group can be reached, for half an hour; your officer is told at once",
    )
    def break_glass(self, call: Call) -> Outcome:
        """Break the glass."""
        return glass.break_glass(self.db, call)

    @route(
        "GET",
        GLASS,
        operation="glass.look",
        answers=shapes.OpenContact,
        summary="The same while it is open to me",
    )
    def look_through_glass(self, call: Call) -> Outcome:
        """Look."""
        return glass.look(self.db, call)

    @route(
        "GET",
        "/groups/glass",
        operation="glass.list",
        query=schemas.ListQuery,
        answers=shapes.GlassView,
        many=True,
        summary="Every look outside of duty, newest first",
    )
    def list_glass(self, call: Call) -> Outcome:
        """List the looks."""
        return glass.listed(self.db, call)

    @route(
        "POST",
        "/groups/glass/<uuid:glass_id>/seen",
        operation="glass.seen",
        body=Nothing,
        answers=shapes.GlassView,
        changes=True,
        example={},
        summary="I have seen this look",
    )
    def see_glass(self, call: Call) -> Outcome:
        """See a look."""
        return glass.seen(self.db, call)
