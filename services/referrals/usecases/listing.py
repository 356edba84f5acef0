"""Looks at one referral and at the work lists."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

from chassis.audit import Entry
from chassis.db import Database
from chassis.requests import Call, Outcome
from services.referrals import views
from services.referrals.rules import durations, reasons, rights
from services.referrals.rules.lifecycle import AWAITED, RECEIVER, SENDER
from services.referrals.usecases.entering import OBJECT, Entered, caller_of, enter, listed, shown, viewer_of
from services.referrals.usecases.moving import recall
from services.referrals.usecases.recall import Recalled, not_recalled_row
from services.referrals.views import lists


def read(db: Database, call: Call) -> Outcome:
    """One referral as the caller's side may see it. Raises NotFound for everybody else."""
    try:
        return _read(db, call)
    except Recalled as over:
        recall(db, over)
        return _read(db, call, again=True)


def _read(db: Database, call: Call, *, again: bool = False) -> Outcome:
    with db.work(call) as work:
        entered = enter(work, call.path["referral_id"], "referral.read", reason=call.query.get("reason"))
        if not again:
            not_recalled_row(work, entered.row)
        work.record(_entry("referral.read", entered))
        return shown(work, entered)


def inbox(db: Database, call: Call) -> Outcome:
    """The referrals that the caller's organisation received, newest first."""
    return listed(db, call, "referral.inbox", RECEIVER, lists.inbox, by="sent_at")


def sent(db: Database, call: Call) -> Outcome:
    """The referrals that the caller's organisation sent, newest first."""
    return listed(db, call, "referral.sent", SENDER, lists.sent, by="sent_at")


def overdue(db: Database, call: Call) -> Outcome:
    """What somebody of the caller's side or of the other should have done by now, the longest overdue first."""
    side = _side(call, "referral.overdue")
    return listed(db, call, "referral.overdue", side, partial(lists.overdue, side=side), by="due_at")


def awaiting_me(db: Database, call: Call) -> Outcome:
    """Where the caller's side has the ball: what waits for an answer or a decision of his units, newest first."""
    side = _side(call, "referral.awaiting_me")
    call.query = {**call.query, "state": call.query["state"] or list(AWAITED[side])}
    rows = lists.inbox if side == RECEIVER else lists.sent
    return listed(db, call, "referral.awaiting_me", side, rows, by="sent_at")


def waiting_list(db: Database, call: Call) -> Outcome:
    """Who waits for a place, the longest first."""
    return listed(db, call, "referral.waiting_list", RECEIVER, lists.waiting, by="changed_at")


def counts(db: Database, call: Call) -> Outcome:
    """How many of what is open stand in each state, for each side that the caller works on."""
    with db.work(call) as work:
        items = []
        for side in rights.sides_of("referral.awaiting_me", caller_of(work).roles):
            viewer, _ = viewer_of(work, "referral.awaiting_me", side)
            items += lists.counts(work, viewer, side=side)
        work.record(Entry(operation="referral.counts", object_type=OBJECT, object_id=None))
        return Outcome(value={"items": items})


def _side(call: Call, operation: str) -> str:
    roles = call.caller.roles if call.caller else frozenset[str]()
    own = rights.sides_of(operation, roles)
    side: str = call.query["side"] or (RECEIVER if RECEIVER in own or not own else own[0])
    rights.check_side(operation, roles, side)
    return side


def history(db: Database, call: Call) -> Outcome:
    """Who moved the referral, when and why, as far as the caller's side may know. Raises NotFound."""
    with db.work(call) as work:
        entered = enter(work, call.path["referral_id"], "referral.history", reason=call.query.get("reason"))
        work.record(_entry("referral.history", entered))
        items = _told(views.history(work, entered.row), entered, at=work.now, language=call.query.get("lang", "en"))
        return Outcome(value={"items": items, "next": None}, relation=entered.relation)


def duplicates(db: Database, call: Call) -> Outcome:
    """Ids of the organisation's other open referrals of the same person, on the same side. Raises NotFound."""
    with db.work(call) as work:
        entered = enter(work, call.path["referral_id"], "referral.duplicates")
        work.record(_entry("referral.duplicates", entered))
        viewer, _ = viewer_of(work, "referral.duplicates", entered.row["side"])
        value = views.duplicates(work, entered.row["id"], entered.row["side"], viewer)
        return Outcome(value=value, relation=entered.relation)


def _told(items: list[dict[str, Any]], entered: Entered, *, at: dt.datetime, language: str) -> list[dict[str, Any]]:
    spans = durations.lasted([item["at"] for item in items], state=entered.row["state"], now=at)
    return [
        {**item, "seconds": span, "reason_label": reasons.label(item["reason_code"], language, prefer=_list(item))}
        for item, span in zip(items, spans, strict=True)
    ]


def _list(item: dict[str, Any]) -> str:
    return reasons.BY_FIELD.get((item["transition"], "reason"), "")


def _entry(operation: str, entered: Entered) -> Entry:
    return Entry(operation=operation, object_type=OBJECT, object_id=entered.row["id"], purpose=entered.purpose)
