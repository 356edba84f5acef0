"""The routes by which systems hand over what they have: many referrals at once, a table, a police message."""

from __future__ import annotations

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.referrals.schemas import ReferralView
from services.referrals.schemas import importing as schemas
from services.referrals.schemas.police import POLICE_MESSAGE_EXAMPLE, PoliceMessage
from services.referrals.usecases import importing, police
from services.referrals.usecases.many import NDJSON

MOST_BYTES = 10 * 1024 * 1024
CSV = "text/csv"


class Importing:
    """Batch, table with its template, police message."""

    db: Database

    @route(
        "POST",
        "/referrals/batch",
        operation="referral.batch",
        query=schemas.BatchQuery,
        answers=schemas.BatchView,
        changes=True,
        reads=(NDJSON, "application/json"),
        unread=True,
        limit=MOST_BYTES,
        deadline="bulk",
        summary="Create up to 500 referrals: an array, or one on each line",
        description="Each is answered for itself; with the same Idempotency-Key a repeat creates nothing twice.",
    )
    def batch(self, call: Call) -> Outcome:
        """Create many."""
        return importing.batch(self.db, call)

    @route(
        "POST",
        "/referrals/import",
        operation="referral.batch",
        query=schemas.BatchQuery,
        answers=schemas.BatchView,
        changes=True,
        reads=(CSV,),
        unread=True,
        limit=MOST_BYTES,
        deadline="bulk",
        summary="Create up to 500 referrals from a CSV file",
        description="UTF-8, commas or semicolons, columns as in the template. `dry_run=true` stores nothing.",
    )
    def table(self, call: Call) -> Outcome:
        """Create from a table."""
        return importing.table(self.db, call)

    @route(
        "POST",
        "/referrals/police-message",
        operation="referral.police_message",
        body=PoliceMessage,
        answers=ReferralView,
        status=201,
        changes=True,
        example=POLICE_MESSAGE_EXAMPLE,
        summary="Hand over a Lithuanian police message as it is",
    )
    def police_message(self, call: Call) -> Outcome:
        """Receive a police message."""
        return police.receive(self.db, call)

    @route(
        "GET",
        "/referrals/import/template.csv",
        operation="referral.batch",
        raw=True,
        gives=CSV,
        summary="The CSV file to fill in, with one invented row",
    )
    def template(self, call: Call) -> bytes:
        """Give the template."""
        return importing.template(self.db, call)
