"""Gives the person's copy to whoever hands it to him: what the reader himself may see, in the person's language."""

from __future__ import annotations

from typing import Any

from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import Conflict
from chassis.requests import Call, Outcome
from services.referrals.rules import copying, record
from services.referrals.rules.copying import Facts, name_of
from services.referrals.store import copies
from services.referrals.usecases.entering import OBJECT, Entered, enter, shown, standing_of

OPERATION = "referral.copy"


def copy(db: Database, call: Call, *, demo: bool) -> Outcome:
    """The copy as parts. Raises NotFound, NotAllowed, Conflict for a child concern and where nobody reads any more."""
    with db.work(call) as work:
        entered = enter(work, call.path["referral_id"], OPERATION)
        return Outcome(value=_sheet(work, call, entered, demo=demo), relation=entered.relation)


def page(db: Database, call: Call, *, demo: bool) -> Outcome:
    """The copy as one page to be printed. Raises as `copy`."""
    with db.work(call) as work:
        made = copying.page(_sheet(work, call, enter(work, call.path["referral_id"], OPERATION), demo=demo))
    return Outcome(value=made, headers={"Content-Security-Policy": copying.POLICY, "Cache-Control": "no-store"})


def _sheet(work: Work, call: Call, entered: Entered, *, demo: bool) -> dict[str, Any]:
    row, language = entered.row, call.query["lang"]
    record.check_possible("copy", standing_of(row), row["side"])
    value: dict[str, Any] = shown(work, entered).value
    if not value.get("person"):
        raise Conflict("copy.closed", "What this copy would say can not be read any more.")
    work.record(Entry(operation=OPERATION, object_type=OBJECT, object_id=row["id"]))
    names = copies.names(work, [row["sender_id"], row["receiver_id"]])
    facts = Facts(
        shown=value,
        sender=name_of(names.get(row["sender_id"]), row["sender_key"], language),
        receiver=name_of(names.get(row["receiver_id"]), row["receiver_key"], language),
        language=language,
        demo=demo,
        now=work.now,
    )
    return copying.sheet(facts)
