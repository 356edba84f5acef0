"""Reads what was written down about a case, as far as the caller's side and the caller himself may."""

from __future__ import annotations

from chassis import paging
from chassis.audit import Entry
from chassis.db import Database
from chassis.requests import Call, Outcome
from services.referrals.store import case_entries
from services.referrals.usecases.entering import OBJECT, caller_of, enter


def entries(db: Database, call: Call) -> Outcome:
    """One page of the own organisation's entries, newest first. Raises NotFound, NotAllowed."""
    query = call.query
    with db.work(call) as work:
        entered = enter(work, call.path["referral_id"], "referral.record", reason=query.get("reason"))
        at, after = paging.position(query["cursor"])
        wanted = {
            "id": entered.row["id"],
            "kind": query["kind"],
            "subject": caller_of(work).subject,
            "at": at,
            "after": after,
            "limit": query["limit"] + 1,
        }
        rows = [] if entered.row["locked_at"] is not None else case_entries.listed(work, wanted)
        work.record(
            Entry(operation="referral.record", object_type=OBJECT, object_id=entered.row["id"], purpose=entered.purpose)
        )
        return Outcome(value=paging.page(rows, query["limit"], by="at"), relation=entered.relation)
