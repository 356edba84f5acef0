"""The routes that keep the directory true: confirm by a link, watch an entry, report what is wrong (section 5)."""

from __future__ import annotations

from nameko.timer import timer

from chassis.db import Database
from chassis.http import route
from chassis.providers import SettingsProvider
from chassis.requests import Call, Outcome
from chassis.settings import Settings
from services.directory.schemas import truth as schemas
from services.directory.schemas.proposals import Nothing
from services.directory.usecases import confirming, indexing, watching, wrong

CARE_SECONDS = 3600


class Truth:
    """Confirmations, watches, reports."""

    db: Database
    settings: Settings = SettingsProvider()

    @route(
        "POST",
        "/directory/internal/confirmations/resolve",
        operation="confirmation.resolve",
        public=True,
        internal=True,
        body=schemas.LinkLooked,
        answers=schemas.LinkShown,
        summary="What a link asks to be looked at",
    )
    def resolve_confirmation(self, call: Call) -> Outcome:
        """Show it."""
        return confirming.resolve(self.db, call)

    @route(
        "POST",
        "/directory/internal/confirmations/answer",
        operation="confirmation.answer",
        public=True,
        internal=True,
        body=schemas.LinkAnswer,
        answers=schemas.LinkAnswered,
        summary="All is right, or something is wrong",
    )
    def answer_confirmation(self, call: Call) -> Outcome:
        """Answer."""
        return confirming.answer(self.db, call)

    @route(
        "GET",
        "/directory/watches",
        operation="watch.list",
        answers=schemas.WatchView,
        many=True,
        summary="Entries that my organisation watches",
    )
    def list_watches(self, call: Call) -> Outcome:
        """List them."""
        return watching.listed(self.db, call)

    @route(
        "PUT",
        "/directory/watches/<kind>/<entry>",
        operation="watch.put",
        body=Nothing,
        answers=schemas.WatchSet,
        changes=True,
        example={},
        summary="Watch an organisation with all that it offers, or one service: a mail says when it changes",
    )
    def put_watch(self, call: Call) -> Outcome:
        """Watch it."""
        return watching.watch(self.db, call)

    @route(
        "POST",
        "/directory/watches/<kind>/<entry>/end",
        operation="watch.end",
        body=Nothing,
        answers=schemas.WatchSet,
        changes=True,
        example={},
        summary="Watch it no longer",
    )
    def end_watch(self, call: Call) -> Outcome:
        """Stop watching."""
        return watching.unwatch(self.db, call)

    @route(
        "POST",
        "/directory/reports",
        operation="report.create",
        public=True,
        body=schemas.NewReport,
        answers=schemas.ReportMade,
        status=201,
        example=schemas.REPORT_EXAMPLE,
        summary="Say that something in the directory is wrong; no account is needed",
    )
    def report_wrong(self, call: Call) -> Outcome:
        """Report it."""
        return wrong.report(self.db, call)

    @route(
        "GET",
        "/directory/reports",
        operation="report.list",
        query=schemas.ReportQuery,
        answers=schemas.ReportView,
        many=True,
        summary="What people reported about my organisation; for a network_admin the open ones about all",
    )
    def list_reports(self, call: Call) -> Outcome:
        """List reports."""
        return wrong.listed(self.db, call)

    @route(
        "POST",
        "/directory/reports/<uuid:report>/close",
        operation="report.close",
        body=schemas.Closing,
        answers=schemas.ReportView,
        changes=True,
        needs_version=True,
        example=schemas.CLOSING_EXAMPLE,
        summary="Say what became of a report",
    )
    def close_report(self, call: Call) -> Outcome:
        """Close it."""
        return wrong.close(self.db, call)

    @timer(interval=CARE_SECONDS, eager=True)  # type: ignore[untyped-decorator]  # nameko is untyped
    def take_care(self) -> None:
        """Ask whose entries are old, say which are stale, forget what was dealt with."""
        confirming.ask_due(self.db, self.settings.confirm_days)
        confirming.mark_stale(self.db)
        indexing.grow_old(self.db)
        wrong.forget_words(self.db)
