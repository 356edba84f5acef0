"""Routes of reports: each as JSON and as CSV."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.referrals.rules.reporting import CONVERSION, OVERDUE, REASONS, TIMES
from services.referrals.schemas.reports import Report, ReportQuery
from services.referrals.usecases import reporting

CSV = "text/csv"
SUMMARIES = {
    CONVERSION: "How many of the referrals of a period reached each step",
    TIMES: "How long referrals stood in each state: median and slowest tenth, in hours",
    REASONS: "Which reasons were given, by transition",
    OVERDUE: "How many deadlines were kept, by clock",
}
ABOUT = (
    "About the caller's own organisation, for its leads. A figure below five is null, and so is one that would let a "
    "figure below five be worked out."
)


def json_of(name: str) -> Callable[[Any, Call], Outcome]:
    """The method that answers a report as JSON."""

    @route(
        "GET",
        f"/referrals/reports/{name}",
        operation="referral.report",
        query=ReportQuery,
        answers=Report,
        deadline="bulk",
        summary=SUMMARIES[name],
        description=ABOUT,
    )
    def method(self: Reports, call: Call) -> Outcome:
        return reporting.report(self.db, call, name)

    method.__name__ = f"report_{name.replace('-', '_')}"
    return method


def csv_of(name: str) -> Callable[[Any, Call], bytes]:
    """The method that answers the same as CSV."""

    @route(
        "GET",
        f"/referrals/reports/{name}.csv",
        operation="referral.report",
        query=ReportQuery,
        raw=True,
        gives=CSV,
        deadline="bulk",
        summary=f"{SUMMARIES[name]}, as CSV",
        description=ABOUT,
    )
    def method(self: Reports, call: Call) -> bytes:
        return reporting.table(self.db, call, name)

    method.__name__ = f"report_{name.replace('-', '_')}_csv"
    return method


class Reports:
    """Figures without anybody in them."""

    db: Database

    report_conversion = json_of(CONVERSION)
    report_conversion_csv = csv_of(CONVERSION)
    report_time_in_state = json_of(TIMES)
    report_time_in_state_csv = csv_of(TIMES)
    report_reasons = json_of(REASONS)
    report_reasons_csv = csv_of(REASONS)
    report_overdue = json_of(OVERDUE)
    report_overdue_csv = csv_of(OVERDUE)
