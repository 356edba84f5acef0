"""The routes of a group's meetings."""

from __future__ import annotations

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.groups.schemas import sessions as shapes
from services.groups.schemas.parts import Nothing
from services.groups.usecases import sessions

SESSIONS = "/groups/<uuid:group_id>/sessions"


class Sessions:
    """Meetings: the proposal, the list, and what is done with one of them."""

    db: Database

    @route(
        "GET",
        f"{SESSIONS}/proposal",
        operation="meeting.list",
        answers=shapes.ProposedSession,
        many=True,
        summary="The weekly series of the group's schedule, with the holidays that it skips",
    )
    def propose_sessions(self, call: Call) -> Outcome:
        """Show the proposal."""
        return sessions.proposal(self.db, call)

    @route(
        "GET",
        SESSIONS,
        operation="meeting.list",
        answers=shapes.SessionView,
        many=True,
        summary="The meetings of a group",
    )
    def sessions(self, call: Call) -> Outcome:
        """List the meetings."""
        return sessions.listed(self.db, call)

    @route(
        "POST",
        f"{SESSIONS}/series",
        operation="meeting.plan",
        body=shapes.Series,
        answers=shapes.SessionsView,
        changes=True,
        example={"keep": []},
        summary="Make the series before the group opens; without it the opening makes the proposed one",
    )
    def make_series(self, call: Call) -> Outcome:
        """Make the series."""
        return sessions.make_series(self.db, call)

    @route(
        "POST",
        SESSIONS,
        operation="meeting.plan",
        body=shapes.NewSession,
        answers=shapes.SessionsView,
        changes=True,
        example=shapes.NEW_SESSION_EXAMPLE,
        summary="Add one meeting, as for catching up",
    )
    def add_session(self, call: Call) -> Outcome:
        """Add a meeting."""
        return sessions.add(self.db, call)

    @route(
        "POST",
        f"{SESSIONS}/<int:no>/move",
        operation="meeting.plan",
        body=shapes.Moving,
        answers=shapes.SessionsView,
        changes=True,
        needs_version=True,
        example=shapes.MOVING_EXAMPLE,
        summary="Set a meeting to another time",
    )
    def move_session(self, call: Call) -> Outcome:
        """Move a meeting."""
        return sessions.move(self.db, call)

    @route(
        "POST",
        f"{SESSIONS}/<int:no>/cancel",
        operation="meeting.plan",
        body=Nothing,
        answers=shapes.SessionsView,
        changes=True,
        needs_version=True,
        example={},
        summary="Let a meeting not take place",
    )
    def cancel_session(self, call: Call) -> Outcome:
        """Cancel a meeting."""
        return sessions.cancel(self.db, call)
