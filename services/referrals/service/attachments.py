"""The routes of attached files."""

from __future__ import annotations

from chassis.db import Database
from chassis.http import route
from chassis.providers import ScannerProvider
from chassis.requests import Call, Outcome
from chassis.scanning import Scanner
from services.referrals.rules import contents
from services.referrals.schemas import attachments as schemas
from services.referrals.usecases import attaching

BYTES = "application/octet-stream"
ABOUT = (
    "The body is the file itself, the name stands in Content-Disposition. Taken by content: "
    f"{contents.TAKEN}. Macros, scripts, encryption and bombs are refused."
)


class Attachments:
    """Attach, list, hand out and remove files."""

    db: Database
    scanner: Scanner = ScannerProvider()

    @route(
        "POST",
        "/referrals/<uuid:referral_id>/attachments",
        operation="referral.attach",
        query=schemas.AttachQuery,
        answers=schemas.AttachmentView,
        status=201,
        changes=True,
        reads=(BYTES, *contents.ENDINGS),
        unread=True,
        limit=contents.MOST_BYTES,
        deadline="bulk",
        summary="Attach a file, for my organisation or for both",
        description=ABOUT,
    )
    def attach(self, call: Call) -> Outcome:
        """Attach."""
        return attaching.attach(self.db, self.scanner, call)

    @route(
        "GET",
        "/referrals/<uuid:referral_id>/attachments",
        operation="referral.attachments",
        query=schemas.ReasonQuery,
        answers=schemas.AttachmentView,
        many=True,
        summary="The files of a referral that I may see, oldest first",
    )
    def attachments(self, call: Call) -> Outcome:
        """List."""
        return attaching.listed(self.db, call)

    @route(
        "GET",
        "/referrals/<uuid:referral_id>/attachments/<uuid:attachment_id>",
        operation="referral.attachment",
        query=schemas.ReasonQuery,
        gives=BYTES,
        large=True,
        deadline="bulk",
        summary="Download a file",
    )
    def attachment(self, call: Call) -> Outcome:
        """Hand out."""
        return attaching.download(self.db, self.scanner, call)

    @route(
        "POST",
        "/referrals/<uuid:referral_id>/attachments/<uuid:attachment_id>/remove",
        operation="referral.remove_attachment",
        body=schemas.Removal,
        answers=schemas.Removal,
        changes=True,
        example={},
        summary="Remove a file of my own that the other party has not got",
    )
    def remove_attachment(self, call: Call) -> Outcome:
        """Remove."""
        return attaching.remove(self.db, call)
