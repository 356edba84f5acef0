"""Files of a referral as each party keeps them: a row about the file and its sealed pieces, by that party's own key."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import Any

from chassis.db import Work
from chassis.errors import NotFound
from chassis.sealing import DataKey
from services.referrals.rules.attaching import PIECE

ABOUT = "attachment|about"
CONTENT = "attachment_piece|content"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that was looked at, ready to be kept."""

    id: uuid.UUID
    referral_id: uuid.UUID
    name: str
    content: bytes
    sha256: str
    media_type: str
    visibility: str
    classification: str
    restricted: bool
    scan: str
    by_org: uuid.UUID
    by_subject: str | None


KEEP = """
INSERT INTO attachment (org_id, id, referral_id, by_org, by_subject, visibility, classification, restricted, media_type,
                        size, pieces, scan, key_id, about, at)
VALUES (%(org_id)s, %(id)s, %(referral_id)s, %(by_org)s, %(by_subject)s, %(visibility)s, %(classification)s,
        %(restricted)s, %(media_type)s, %(size)s, %(pieces)s, %(scan)s, %(key_id)s, %(about)b, %(at)s)
"""
KEEP_PIECE = """
INSERT INTO attachment_piece (org_id, attachment_id, referral_id, no, content) VALUES (%s, %s, %s, %s, %b)
"""


def keep(work: Work, file: File, party: uuid.UUID, key: DataKey) -> None:
    """Keep one party's copy, sealed by that party's key, piece by piece."""
    starts = range(0, len(file.content), PIECE)
    row = {
        name: getattr(file, name)
        for name in ("id", "referral_id", "by_org", "visibility", "classification", "restricted", "media_type", "scan")
    }
    row |= {"org_id": party, "size": len(file.content), "pieces": len(starts), "key_id": key.id, "at": work.now}
    row["by_subject"] = file.by_subject if party == file.by_org else None
    row["about"] = key.seal(ABOUT, file.id, {"name": file.name, "sha256": file.sha256})
    whole = memoryview(file.content)
    with work.acting_for(party):
        work.run(KEEP, row)
        for no, start in enumerate(starts):
            sealed = key.seal_bytes(_place(no), file.id, whole[start : start + PIECE])
            work.run(KEEP_PIECE, (party, file.id, file.referral_id, no, sealed))


# A row that is erased takes nothing in again; a held one does, nobody reads it meanwhile.
RECORD_KEY = "SELECT key_id FROM sender_record WHERE id = %s AND erased_at IS NULL FOR UPDATE"
CASE_KEY = "SELECT key_id FROM receiver_case WHERE id = %s AND erased_at IS NULL FOR UPDATE"


def key_of(work: Work, referral_id: uuid.UUID, party: uuid.UUID, *, sender: bool) -> uuid.UUID | None:
    """The key of a party's record, which is held until the end; None where there is no record to keep a copy in."""
    with work.acting_for(party), work.closed_too():
        row = work.one(RECORD_KEY if sender else CASE_KEY, (referral_id,))
    return row["key_id"] if row else None


COUNT = "SELECT count(*) AS files FROM attachment WHERE referral_id = %s"


def count(work: Work, referral_id: uuid.UUID) -> int:
    """How many files the acting organisation has of a referral."""
    row = work.one(COUNT, (referral_id,))
    return int(row["files"]) if row else 0


ONE = """
SELECT a.id, a.referral_id, a.by_org, a.by_subject, a.visibility, a.classification, a.restricted, a.media_type, a.size,
       a.pieces, a.scan, a.key_id, a.about, a.at, p.key AS by_key
  FROM attachment AS a LEFT JOIN partner AS p ON p.org_id = a.by_org
 WHERE a.referral_id = %(referral_id)s AND a.id = %(id)s AND (%(plain_too)s OR a.restricted)
   AND (%(restricted_too)s OR NOT a.restricted)
"""
LISTED = """
SELECT a.id, a.referral_id, a.by_org, a.by_subject, a.visibility, a.classification, a.restricted, a.media_type, a.size,
       a.pieces, a.scan, a.key_id, a.about, a.at, p.key AS by_key
  FROM attachment AS a LEFT JOIN partner AS p ON p.org_id = a.by_org
 WHERE a.referral_id = %(referral_id)s AND (%(plain_too)s OR a.restricted) AND (%(restricted_too)s OR NOT a.restricted)
 ORDER BY a.at, a.id
"""


def one(
    work: Work, referral_id: uuid.UUID, attachment_id: uuid.UUID, *, plain_too: bool, restricted_too: bool
) -> dict[str, Any]:
    """The acting organisation's row about a file that the reader may see. Raises NotFound."""
    which = {"plain_too": plain_too, "restricted_too": restricted_too}
    row = work.one(ONE, {"referral_id": referral_id, "id": attachment_id, **which})
    if row is None:
        raise NotFound
    return row


def listed(work: Work, referral_id: uuid.UUID, *, plain_too: bool, restricted_too: bool) -> list[dict[str, Any]]:
    """The acting organisation's rows about all files of a referral that the reader may see, oldest first."""
    return work.all(LISTED, {"referral_id": referral_id, "plain_too": plain_too, "restricted_too": restricted_too})


PIECE_OF = "SELECT content FROM attachment_piece WHERE attachment_id = %s AND no = %s"


def content_of(work: Work, row: dict[str, Any], key: DataKey) -> bytes:
    """The file, opened piece by piece. Raises NotFound when it is not whole: it was changed behind our back."""
    opened = bytearray()
    for no in range(row["pieces"]):
        found = work.one(PIECE_OF, (row["id"], no))
        if found is None:
            raise NotFound
        opened += key.unseal_bytes(_place(no), row["id"], found["content"])
    content = bytes(opened)
    if len(content) != row["size"]:
        raise NotFound
    return content


SCANNED = "UPDATE attachment SET scan = %s WHERE id = %s"
REMOVE = "DELETE FROM attachment WHERE id = %s"


def note_scan(work: Work, attachment_id: uuid.UUID, status: str) -> None:
    """Note what the scanner said of the acting organisation's copy."""
    work.run(SCANNED, (status, attachment_id))


def remove(work: Work, attachment_id: uuid.UUID) -> None:
    """Delete the acting organisation's copy with its pieces."""
    work.run(REMOVE, (attachment_id,))


def hash_of(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _place(no: int) -> str:
    return f"{CONTENT}|{no}"
