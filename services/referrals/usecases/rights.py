"""What leads decide about a case: its unit and worker, to whom it is open, and who looked from outside."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from chassis import paging
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import FieldError, Invalid
from chassis.requests import Call, Outcome
from services.referrals import views
from services.referrals.rules import rights
from services.referrals.store import members
from services.referrals.usecases.entering import Entered, caller_of, enter

OBJECT = "referral"
Change = Callable[[Work, Entered], None]


def access(db: Database, call: Call) -> Outcome:
    """Who of the organisation may open the case. Raises NotFound."""
    with db.work(call) as work:
        entered = enter(work, call.path["referral_id"], "referral.access")
        work.record(Entry(operation="referral.access", object_type=OBJECT, object_id=entered.row["id"]))
        return _shown(work, entered)


def assign(db: Database, call: Call) -> Outcome:
    """Give the case to a unit, a worker, or both. Raises NotFound, NotAllowed, Invalid for fields not his to write."""

    def change(work: Work, entered: Entered) -> None:
        _check_fields(call, entered.relation)
        members.place(work, entered.row["id"], entered.row["side"], call.body)

    return _changed(db, call, "referral.assign", change)


def restrict(db: Database, call: Call) -> Outcome:
    """Open the case to the named members and the caller only. Raises NotFound, NotAllowed."""

    def change(work: Work, entered: Entered) -> None:
        by = caller_of(work).subject  # else nobody might be left who can lift it
        subjects = sorted({by, *call.body["members"]})
        members.restrict(work, entered.row["id"], entered.row["side"], subjects=subjects, by=by)

    return _changed(db, call, "referral.restrict", change)


def unrestrict(db: Database, call: Call) -> Outcome:
    """Open the case to its unit again. Raises NotFound, NotAllowed."""

    def change(work: Work, entered: Entered) -> None:
        members.restrict(work, entered.row["id"], entered.row["side"], subjects=[], by=caller_of(work).subject)

    return _changed(db, call, "referral.unrestrict", change)


def bar(db: Database, call: Call) -> Outcome:
    """Close the case to one member; he is not told. Raises NotFound, NotAllowed."""

    def change(work: Work, entered: Entered) -> None:
        members.bar(work, entered.row["id"], call.body["member"], by=caller_of(work).subject)

    return _changed(db, call, "referral.bar", change)


def unbar(db: Database, call: Call) -> Outcome:
    """Open the case to a barred member again. Raises NotFound, NotAllowed."""

    def change(work: Work, entered: Entered) -> None:
        members.unbar(work, entered.row["id"], call.body["member"])

    return _changed(db, call, "referral.unbar", change)


def outside_reads(db: Database, call: Call) -> Outcome:
    """Looks at cases of the caller's sides from outside their units, of the last weeks, newest first."""
    query = call.query
    with db.work(call) as work:
        caller = caller_of(work)
        wanted: dict[str, Any] = {
            "sides": sorted(rights.led_sides(caller.roles)),
            "since": work.now - dt.timedelta(weeks=query["weeks"]),
            "subject": caller.subject,
            "limit": query["limit"] + 1,
        }
        rows = views.outside_reads(work, wanted, after=paging.position(query["cursor"]))
        work.record(Entry(operation="referral.outside_reads", object_type=OBJECT, object_id=None))
        return Outcome(value=paging.page(rows, query["limit"], by="at"))


def _changed(db: Database, call: Call, operation: str, change: Change) -> Outcome:
    with db.work(call) as work:
        done = work.claimed()
        entered = enter(work, call.path["referral_id"], operation)
        if done is None:
            change(work, entered)
        outcome = "done" if done is None else "repeated"
        work.record(Entry(operation=operation, object_type=OBJECT, object_id=entered.row["id"], outcome=outcome))
        return _shown(work, entered)


def _check_fields(call: Call, at: str) -> None:
    roles = call.caller.roles if call.caller else frozenset[str]()
    writable = rights.POLICY.writable(call.operation, roles, at)
    faults = tuple(
        FieldError(f"/{name}", "field.not_writable", "In this case this field is not yours to write.")
        for name in call.body
        if writable is not None and name not in writable
    )
    if faults:
        raise Invalid("body.invalid", "Some fields are not yours to write.", fields=faults)


def _shown(work: Work, entered: Entered) -> Outcome:
    row = views.access(work, entered.row["id"], entered.row["side"])
    return Outcome(value=row, relation=entered.relation)
