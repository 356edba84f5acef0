"""The routes of the evening itself, and the timer that closes what nobody closed."""

from __future__ import annotations

from nameko.timer import timer

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.groups.schemas import attendance as shapes
from services.groups.schemas.parts import Nothing
from services.groups.service.sessions import SESSIONS
from services.groups.usecases import attendance

SWEEP_SECONDS = 60


class Attendance:
    """Who came: one form for all, closing, corrections."""

    db: Database

    @route(
        "GET",
        f"{SESSIONS}/<int:no>/attendance",
        operation="attendance.read",
        answers=shapes.SheetView,
        summary="Who may come to a meeting, and who came",
    )
    def attendance(self, call: Call) -> Outcome:
        """Show the list."""
        return attendance.sheet(self.db, call)

    @route(
        "POST",
        f"{SESSIONS}/<int:no>/attendance",
        operation="attendance.enter",
        body=shapes.NewAttendance,
        answers=shapes.SheetView,
        changes=True,
        needs_version=True,
        example=shapes.ATTENDANCE_EXAMPLE,
        summary="Enter who came, all in one form; with a reason once the meeting is closed",
    )
    def enter_attendance(self, call: Call) -> Outcome:
        """Enter the list."""
        return attendance.enter(self.db, call)

    @route(
        "POST",
        f"{SESSIONS}/<int:no>/close",
        operation="attendance.enter",
        body=Nothing,
        answers=shapes.SheetView,
        changes=True,
        needs_version=True,
        example={},
        summary="Settle a meeting's attendance; it happens by itself 48 hours after its end",
    )
    def close_session(self, call: Call) -> Outcome:
        """Close a meeting."""
        return attendance.close(self.db, call)

    @timer(interval=SWEEP_SECONDS)  # type: ignore[untyped-decorator]  # nameko is untyped
    def close_sessions(self) -> None:
        """Close what ended two days ago."""
        attendance.sweep(self.db)
