"""Files as tests attach them, and the calls as the door would make them."""

from __future__ import annotations

import uuid

import orjson

from chassis.identity import Caller
from chassis.requests import Call
from services.referrals.rules import csv_rows
from services.referrals.schemas import NEW_REFERRAL_EXAMPLE

PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"
OCTETS = {"Content-Type": "application/octet-stream", "Content-Disposition": 'attachment; filename="letter.pdf"'}
RAW: dict[str, tuple[bytes, dict[str, str]]] = {
    "POST /referrals/{referral_id}/attachments": (PDF, OCTETS),
    "POST /referrals/batch": (orjson.dumps(NEW_REFERRAL_EXAMPLE) + b"\n", {"Content-Type": "application/x-ndjson"}),
    "POST /referrals/import": (csv_rows.template(), {"Content-Type": "text/csv"}),
}
"""What routes take that read no object of JSON: the body and the headers that say what it is."""

PLACE = "/referrals/{referral_id}/attachments"


def attaching(
    by: Caller,
    referral_id: uuid.UUID,
    content: bytes = PDF,
    *,
    name: str | None = "Sprendimas.pdf",
    visibility: str = "both",
    classification: str = "letter",
    key: str | None = None,
) -> Call:
    """The call behind POST …/attachments."""
    return Call(
        route=f"POST {PLACE}",
        operation="referral.attach",
        caller=by,
        request_id="r-1",
        raw=content,
        media_type="application/octet-stream",
        file_name=name,
        path={"referral_id": referral_id},
        query={"visibility": visibility, "classification": classification},
        idempotency_key=key,
    )


def of_file(
    by: Caller,
    operation: str,
    referral_id: uuid.UUID,
    attachment_id: uuid.UUID | None = None,
    *,
    key: str | None = None,
) -> Call:
    """The call behind a look at one file, at all of them, or a removal."""
    path = {"referral_id": referral_id, **({"attachment_id": attachment_id} if attachment_id else {})}
    return Call(
        route=f"X {PLACE} {operation}", operation=f"referral.{operation}", caller=by, request_id="r-1", path=path,
        query={"reason": None}, idempotency_key=key,
    )  # fmt: skip
