"""Puts what a known caller was refused on record, in a small transaction of its own, unless that was done already."""

from __future__ import annotations

import dataclasses
from uuid import UUID

from chassis.audit import Entry
from chassis.db import Database
from chassis.errors import Refused, Unavailable
from chassis.requests import Call
from chassis.tracing import log_fault

RECORDED = frozenset({403, 404, 409, 410, 412, 422})
"""Not what could not be read at all (400, 415, 428), not the limits (429), and not what is our own trouble (5xx)."""


def record(db: Database, call: Call, refused: Refused) -> None:
    """Write the row of a refusal; the caller gets its answer also when the database is gone, and a log line says so."""
    if call.caller is None or call.recorded or refused.status not in RECORDED:
        return
    named = next((value for value in call.path.values() if isinstance(value, UUID)), None)
    entry = Entry(
        operation=call.operation,
        object_type=call.operation.partition(".")[0],
        object_id=named,
        outcome=f"refused:{refused.code}",
    )
    try:
        # Without its key: a refused request is not remembered, it may be tried again.
        with db.work(dataclasses.replace(call, idempotency_key=None)) as work:
            work.record(entry)
    except Unavailable as error:
        log_fault("refusal.unrecorded", error, request_id=call.request_id, route=call.route)
