"""One audit row per request: who did what to which object, when and for what purpose; never any content.

The row is written in the transaction of the change, and before the body leaves for a read; it carries its own keyed
hash, so that a row that was changed on the disk is found (access-and-privacy.md section 5). How committed rows are
linked into chains stands in chassis/chain.py.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chassis import clock

if TYPE_CHECKING:
    from chassis.requests import Call

FIELDS = (
    "id", "at", "org_id", "subject", "token_id", "operation", "object_type", "object_id", "purpose", "basis",
    "request_id", "outcome",
)  # fmt: skip
"""What the hash of a row covers, in this order; the SQL in chassis/verify.py says the same."""

SEPARATOR, ABSENT = "\x1f", "\x1e"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a use case says for the record: object, purpose code and outcome; the rest comes from the call."""

    operation: str
    object_type: str
    object_id: UUID | None
    purpose: str = "case_work"
    basis: str | None = None
    outcome: str = "done"


def row_of(entry: Entry, call: Call | None, *, actor: str, at: dt.datetime, key: bytes) -> dict[str, Any]:
    """The parameters of audit_append; `actor` names the background worker where no request is behind the change."""
    caller = call.caller if call else None
    row: dict[str, Any] = {
        "id": clock.new_id(),
        "at": at,
        "org_id": caller.org_id if caller else None,
        "subject": caller.subject if caller else actor,
        "token_id": caller.token_id if caller else None,
        "operation": entry.operation,
        "object_type": entry.object_type,
        "object_id": entry.object_id,
        "purpose": entry.purpose,
        "basis": entry.basis,
        "request_id": call.request_id if call else "-",
        "outcome": entry.outcome,
    }
    row["mac"] = mac_of(canonical(row), key)
    return row


def canonical(row: Mapping[str, Any]) -> bytes:
    """The fields as one text that stands for no other row. Raises ValueError for a field that holds a separator."""
    texts = [_text(row[name]) for name in FIELDS]
    if any(SEPARATOR in text or (ABSENT in text and text != ABSENT) for text in texts):
        message = "a field of the audit holds a control character"
        raise ValueError(message)
    return SEPARATOR.join(texts).encode()


def mac_of(content: bytes, key: bytes) -> bytes:
    """Keyed BLAKE2b over a row's canonical text; it takes less than half the time of an HMAC with SHA-256."""
    return blake2b(content, key=key, digest_size=32).digest()


def _text(value: object) -> str:
    if value is None:
        return ABSENT
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(timespec="microseconds")
    return str(value)
