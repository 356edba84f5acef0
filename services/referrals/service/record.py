"""Routes of the record beside the lifecycle: codes, notes, attempts, sessions, risk, amendments, the copy."""

from __future__ import annotations

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.referrals.schemas import reason_codes as code_schemas
from services.referrals.usecases import reason_codes


class CaseRecord:
    """What both sides write down about a case without moving it."""

    db: Database

    @route(
        "GET",
        "/referrals/reason-codes",
        operation="referral.reason_codes",
        public=True,
        query=code_schemas.CodesQuery,
        answers=code_schemas.ReasonCodes,
        summary="Codes for reasons, outcomes and levels that are in force on a day, with labels in eight languages",
    )
    def reason_codes(self, call: Call) -> Outcome:
        """Show the codes."""
        return reason_codes.reason_codes(call)
