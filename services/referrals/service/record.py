"""Routes of the record beside the lifecycle: codes, notes, attempts, sessions, risk, amendments, the copy."""

from __future__ import annotations

from chassis.db import Database
from chassis.errors import Conflict
from chassis.http import route
from chassis.requests import Call, Outcome
from chassis.settings import Settings
from services.referrals.schemas import ReferralView
from services.referrals.schemas import reason_codes as code_schemas
from services.referrals.schemas import record as schemas
from services.referrals.schemas.copying import Copy, CopyQuery
from services.referrals.schemas.transitions import Nothing
from services.referrals.usecases import amending, copying, reading, reason_codes, recording


class CaseRecord:
    """What both sides write down about a case without moving it."""

    db: Database
    settings: Settings

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

    @route(
        "POST",
        "/referrals/<uuid:referral_id>/notes",
        operation="referral.add_note",
        body=schemas.NewNote,
        answers=ReferralView,
        changes=True,
        example=schemas.NOTE_EXAMPLE,
        summary="Write a note: for both parties, the own organisation, or named members of it",
    )
    def add_note(self, call: Call) -> Outcome:
        """Write a note."""
        return recording.add_note(self.db, call)

    @route(
        "POST",
        "/referrals/<uuid:referral_id>/contact-attempts",
        operation="referral.log_contact_attempt",
        body=schemas.NewAttempt,
        answers=ReferralView,
        changes=True,
        example=schemas.ATTEMPT_EXAMPLE,
        summary="Log a try to reach the person, by a channel that may be used",
    )
    def log_contact_attempt(self, call: Call) -> Outcome:
        """Log an attempt."""
        return recording.log_contact_attempt(self.db, call)

    @route(
        "POST",
        "/referrals/<uuid:referral_id>/sessions",
        operation="referral.record_session",
        body=schemas.NewSession,
        answers=ReferralView,
        changes=True,
        example=schemas.SESSION_EXAMPLE,
        summary="Record a meeting by hand",
    )
    def record_session(self, call: Call) -> Outcome:
        """Record a session."""
        return recording.record_session(self.db, call)

    @route(
        "POST",
        "/referrals/<uuid:referral_id>/sessions/sign",
        operation="referral.sign_sessions",
        body=Nothing,
        answers=ReferralView,
        changes=True,
        example={},
        summary="Sign the recorded sessions, so that they count",
    )
    def sign_sessions(self, call: Call) -> Outcome:
        """Sign sessions."""
        return recording.sign_sessions(self.db, call)

    @route(
        "POST",
        "/referrals/<uuid:referral_id>/warning/read",
        operation="referral.read_warning",
        body=Nothing,
        answers=ReferralView,
        changes=True,
        example={},
        summary="Confirm that I have read the sender's warning",
    )
    def read_warning(self, call: Call) -> Outcome:
        """Confirm the reading."""
        return recording.read_warning(self.db, call)

    @route(
        "POST",
        "/referrals/<uuid:referral_id>/risk",
        operation="referral.change_risk",
        body=schemas.NewRisk,
        answers=ReferralView,
        changes=True,
        example=schemas.RISK_EXAMPLE,
        summary="Say which answers of the risk screen changed",
    )
    def change_risk(self, call: Call) -> Outcome:
        """Change the risk."""
        return recording.change_risk(self.db, call)

    @route(
        "POST",
        "/referrals/<uuid:referral_id>/drop-out",
        operation="referral.drop_out",
        body=schemas.NewDropOut,
        answers=ReferralView,
        changes=True,
        example=schemas.DROP_OUT_EXAMPLE,
        summary="Say that the person does not come any more",
    )
    def drop_out(self, call: Call) -> Outcome:
        """Note a drop-out."""
        return recording.drop_out(self.db, call)

    @route(
        "POST",
        "/referrals/<uuid:referral_id>/amend",
        operation="referral.amend",
        body=schemas.Amendment,
        answers=ReferralView,
        changes=True,
        needs_version=True,
        example=schemas.AMENDMENT_EXAMPLE,
        summary="Put fields of the referral right, with the reason for it",
    )
    def amend(self, call: Call) -> Outcome:
        """Amend the referral."""
        return amending.amend(self.db, call)

    @route(
        "GET",
        "/referrals/<uuid:referral_id>/record",
        operation="referral.record",
        query=schemas.RecordQuery,
        answers=schemas.EntryView,
        many=True,
        summary="Notes, attempts, sessions, changes of risk and drop-outs of my organisation's case, newest first",
    )
    def record(self, call: Call) -> Outcome:
        """Read what was written down."""
        return reading.entries(self.db, call)

    @route(
        "GET",
        "/referrals/<uuid:referral_id>/copy",
        operation="referral.copy",
        query=CopyQuery,
        answers=Copy,
        refuses=(Conflict,),
        summary="The person's copy: who is told what, for what, and his rights, in his language",
    )
    def copy(self, call: Call) -> Outcome:
        """Give the copy."""
        return copying.copy(self.db, call, demo=self.settings.profile != "production")

    @route(
        "GET",
        "/referrals/<uuid:referral_id>/copy/print",
        operation="referral.copy",
        query=CopyQuery,
        gives="text/html",
        refuses=(Conflict,),
        summary="The person's copy as a page to be printed",
    )
    def print_copy(self, call: Call) -> Outcome:
        """Give the page."""
        return copying.page(self.db, call, demo=self.settings.profile != "production")
