"""Many referrals at once: each by the same use case as a single one, in a transaction and with a repeat of its own."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

from chassis import refusals
from chassis.apart import apart
from chassis.audit import Entry
from chassis.db import Database
from chassis.errors import Refused, Unavailable
from chassis.problems import DeadlinePassed
from chassis.requests import Call, Outcome
from services.referrals.rules import csv_rows
from services.referrals.schemas import importing as schemas
from services.referrals.usecases import many, opening
from services.referrals.usecases.entering import caller_of
from services.referrals.usecases.many import Item

CREATED, GOOD_BUT = 201, 424
RESERVE_SECONDS = 1.0
"""What is left of the deadline when the rest is put off, so that the answer still goes out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of one item."""

    item: Item
    id: Any = None
    refused: Refused | None = None


def batch(db: Database, call: Call) -> Outcome:
    """Create the referrals of an array or of lines of JSON. Raises Malformed, Invalid for the body as a whole."""
    return _settled(db, call, apart(many.of_json, call.raw, call.media_type))


def table(db: Database, call: Call) -> Outcome:
    """Create the referrals of a CSV file. Raises Invalid for the file as a whole."""
    return _settled(db, call, apart(many.of_csv, call.raw))


def template(db: Database, call: Call) -> bytes:
    """The file to fill in."""
    _note(db, call)
    return csv_rows.template()


def _settled(db: Database, call: Call, items: list[Item]) -> Outcome:
    """All are looked at before the first is stored, unless the good ones are wanted whatever the others are."""
    dry, rest = call.query["dry_run"], call.query["mode"] == schemas.REST
    all_done = [_checked(db, call, item) for item in items] if dry or not rest else []
    if not dry and not any(done.refused for done in all_done):
        all_done = [_created(db, call, item) for item in items]
    _note(db, call)
    return _told(call, all_done)


def _note(db: Database, call: Call) -> None:
    """One row on record for the request; each referral that it made has its own."""
    with db.work(call) as work:
        work.record(Entry(operation=call.operation, object_type="referral", object_id=None))


def _checked(db: Database, call: Call, item: Item) -> Done:
    """Whether it would be taken; one that was stored by an earlier request with this key is good."""
    if item.refused is not None or _late(call):
        return Done(item=item, refused=item.refused or DeadlinePassed())
    one = _call_of(call, item)
    try:
        with db.work(one) as work:
            if work.claimed() is None and not item.body.get("draft"):
                opening.checked(work, caller_of(work), item.body)
    except Refused as refused:
        return Done(item=item, refused=_placed(item, refused))
    return Done(item=item)


def _created(db: Database, call: Call, item: Item) -> Done:
    if item.refused is not None or _late(call):
        return Done(item=item, refused=item.refused or DeadlinePassed())
    one = _call_of(call, item)
    try:
        return Done(item=item, id=opening.create(db, one).value["id"])
    except Refused as refused:
        if not isinstance(refused, Unavailable):
            refusals.record(db, one, refused)
        return Done(item=item, refused=_placed(item, refused))


def _placed(item: Item, refused: Refused) -> Refused:
    """A refusal of a row of a table points to its columns."""
    fields = getattr(refused, "fields", ())
    if item.row is None or not fields:
        return refused
    refused.fields = tuple(replace(each, pointer=csv_rows.column_of(each.pointer)) for each in fields)  # type: ignore[attr-defined]
    return refused


def _late(call: Call) -> bool:
    return call.deadline is not None and call.deadline - time.monotonic() < RESERVE_SECONDS


def _call_of(call: Call, item: Item) -> Call:
    """The request that this one would have been: repeated by the key of all and its place, or by its own reference."""
    reference = item.body.get("external_ref")
    if call.idempotency_key is not None:
        key: str | None = f"{call.idempotency_key} {item.index}"
    else:
        key = None if reference is None else f"reference {reference}"
    return replace(call, operation="referral.create", body=item.body, raw=item.raw, idempotency_key=key, recorded=False)


def _told(call: Call, all_done: list[Done]) -> Outcome:
    stored = sum(done.id is not None for done in all_done)
    refused = sum(done.refused is not None for done in all_done)
    items = [_item(call, done) for done in all_done]
    value = {**call.query, "stored": stored, "refused": refused, "items": items}
    return Outcome(value=value)


def _item(call: Call, done: Done) -> dict[str, Any]:
    told = {"index": done.item.index, "row": done.item.row, "id": done.id, "problem": None}
    if done.refused is not None:
        return {**told, "outcome": schemas.REFUSED, "status": done.refused.status, "problem": _problem(done.refused)}
    if done.id is not None:
        return {**told, "outcome": schemas.STORED, "status": CREATED}
    if call.query["dry_run"]:
        return {**told, "outcome": schemas.VALID, "status": CREATED}
    return {**told, "outcome": schemas.NOT_STORED, "status": GOOD_BUT}


def _problem(refused: Refused) -> dict[str, Any]:
    fields = getattr(refused, "fields", ())
    errors = [{"pointer": each.pointer, "code": each.code, "detail": each.detail} for each in fields]
    return {"code": refused.code, "detail": refused.detail, "errors": errors}
