"""One audit row per request: who did what to which object, when and for what purpose; never any content.

The row is written in the transaction of the change, and before the body leaves for a read; it carries its own keyed
hash, so that a row that was changed on the disk is found (access-and-privacy.md section 5).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chassis import clock

if TYPE_CHECKING:
    from chassis.requests import Call


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
    row["mac"] = mac_of(row, key)
    return row


def mac_of(row: dict[str, Any], key: bytes) -> bytes:
    """HMAC-SHA256 over all fields but the hash itself, each ended by a separator that no field contains."""
    fields = (value.isoformat() if isinstance(value, dt.datetime) else str(value) for value in row.values())
    return hmac.new(key, "\x1f".join(fields).encode(), hashlib.sha256).digest()
