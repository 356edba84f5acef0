"""The routes of files and calendars."""

from __future__ import annotations

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.groups import schemas
from services.groups.schemas import exporting as shapes
from services.groups.schemas.parts import Nothing
from services.groups.usecases import exporting, own_more, queueing_again

GROUP = "/groups/<uuid:group_id>"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Exporting:
    """A roster as a file, meetings in a calendar."""

    db: Database

    @route(
        "GET",
        f"{GROUP}/roster/export.csv",
        operation="export.roster",
        query=shapes.ExportQuery,
        raw=True,
        gives="text/csv",
        summary="The roster as a table: aliases and codes only; each file is on record",
    )
    def export_csv(self, call: Call) -> bytes:
        """Export a table."""
        return exporting.export_csv(self.db, call)

    @route(
        "GET",
        f"{GROUP}/roster/export.xlsx",
        operation="export.roster",
        query=shapes.ExportQuery,
        raw=True,
        gives=XLSX,
        summary="The roster as a workbook: aliases and codes only; each file is on record",
    )
    def export_xlsx(self, call: Call) -> bytes:
        """Export a workbook."""
        return exporting.export_xlsx(self.db, call)

    @route(
        "GET",
        f"{GROUP}/roster/print.pdf",
        operation="export.roster",
        query=shapes.ExportQuery,
        raw=True,
        gives="application/pdf",
        summary="The roster as pages to print: aliases and codes only, a box for every meeting; each file is on record",
    )
    def export_pdf(self, call: Call) -> bytes:
        """Print a roster."""
        return exporting.export_pdf(self.db, call)

    @route(
        "POST",
        f"{GROUP}/calendar",
        operation="calendar.open",
        body=shapes.CalendarLanguage,
        answers=shapes.CalendarAddress,
        changes=True,
        example={"language": "lt"},
        summary="Have the group's meetings in my calendar program; an older address of mine is none any more",
    )
    def open_calendar(self, call: Call) -> Outcome:
        """Open a calendar."""
        return exporting.open_calendar(self.db, call)

    @route(
        "POST",
        f"{GROUP}/calendar/close",
        operation="calendar.open",
        body=Nothing,
        answers=shapes.CalendarAddress,
        changes=True,
        example={},
        summary="Take my address of the group's calendar back",
    )
    def close_calendar(self, call: Call) -> Outcome:
        """Close a calendar."""
        return exporting.close_calendar(self.db, call)

    @route(
        "POST",
        "/signups/<uuid:signup_id>/calendar",
        operation="signup.calendar",
        public=True,
        body=shapes.CardCalendar,
        answers=shapes.CalendarAddress,
        changes=True,
        example={**schemas.CARD_EXAMPLE, "language": "lt"},
        summary="Have my group's meetings in my calendar program: without place and name; off until I ask",
    )
    def open_own_calendar(self, call: Call) -> Outcome:
        """Open his calendar."""
        return own_more.open_calendar(self.db, call)

    @route(
        "POST",
        "/signups/<uuid:signup_id>/calendar/close",
        operation="signup.calendar",
        public=True,
        body=schemas.Card,
        answers=shapes.CalendarAddress,
        changes=True,
        example=schemas.CARD_EXAMPLE,
        summary="Take my calendar's address back",
    )
    def close_own_calendar(self, call: Call) -> Outcome:
        """Close his calendar."""
        return own_more.close_calendar(self.db, call)

    @route(
        "POST",
        "/signups/<uuid:signup_id>/apology",
        operation="signup.excuse",
        public=True,
        body=shapes.CardApology,
        answers=schemas.SignUpView,
        changes=True,
        example={**schemas.CARD_EXAMPLE, "session_no": 2},
        summary="Say that I will not come to a meeting",
    )
    def excuse(self, call: Call) -> Outcome:
        """Say that he will not come."""
        return own_more.excuse(self.db, call)

    @route(
        "POST",
        "/signups/<uuid:signup_id>/again",
        operation="signup.again",
        public=True,
        body=schemas.Card,
        answers=schemas.SignUpView,
        changes=True,
        example=schemas.CARD_EXAMPLE,
        summary="Queue once more by the same card: at the tail, or with my age for the next group",
    )
    def queue_again(self, call: Call) -> Outcome:
        """Queue again."""
        return queueing_again.queue_again(self.db, call)

    @route(
        "GET",
        "/calendars/<string:token>",
        operation="calendar.read",
        public=True,
        raw=True,
        gives="text/calendar",
        summary="The meetings behind an address, for a calendar program",
    )
    def read_calendar(self, call: Call) -> bytes:
        """Give the calendar."""
        return exporting.read_calendar(self.db, call)
