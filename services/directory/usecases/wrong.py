"""Anybody says that something in the directory is wrong; its organisation and those who keep the network read it."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from chassis import clock, paging
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import Conflict, NotFound, Stale, TooManyRequests, Unauthenticated
from chassis.requests import Call, Outcome
from services.directory.rules import truth
from services.directory.store import wrong as store
from services.directory.usecases import notifying
from services.directory.usecases.proposals import is_keeper

OBJECT = "wrong_report"
HOUR = 3600


def report(db: Database, call: Call) -> Outcome:
    """Keep a report; the organisation gets a mail with the first that is open. Raises NotFound, TooManyRequests."""
    with db.work(call) as work:
        org_id = store.organisation_of(work, call.body["section"], call.body["mark"])
        entry = {name: call.body[name] for name in ("section", "mark", "field", "said")}
        made = keep(work, org_id, entry, by=_kind(call, org_id), by_org=call.caller.org_id if call.caller else None)
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=made, purpose="directory"))
        return Outcome(value={"id": made, "state": truth.OPEN})


def _kind(call: Call, org_id: UUID) -> str:
    if call.caller is None:
        return truth.ANYBODY
    return truth.ORGANISATION if call.caller.org_id == org_id else truth.INSTITUTION


def keep(work: Work, org_id: UUID, entry: dict[str, Any], *, by: str, by_org: UUID | None = None) -> UUID:
    """Write a report about an entry of this organisation; returns its id. Raises TooManyRequests."""
    waiting = store.still_open(work, org_id)
    if waiting >= truth.MOST_OPEN:
        message = "So many reports about this organisation wait that it knows; try again another day."
        raise TooManyRequests("report.enough", message, retry_after=HOUR)
    report_id = clock.new_id()
    store.put(work, {**entry, "id": report_id, "org_id": org_id, "by_kind": by, "by_org": by_org})
    if not waiting:
        notifying.tell(work, notifying.REPORTED, org_id, about=report_id, of=OBJECT)
    return report_id


def listed(db: Database, call: Call) -> Outcome:
    """Reports about the caller's organisation; a network_admin reads the open ones about all."""
    query, caller = call.query, call.caller
    at, after = paging.position(query["cursor"])
    asked = {"state": query["state"], "at": at, "id": after, "limit": query["limit"] + 1}
    if caller is None:
        raise Unauthenticated("token.missing", "An access token is needed.")
    with db.work(call) as work:
        if is_keeper(caller):
            asked["state"] = truth.OPEN
            rows = [row for org_id in store.reported(work) for row in store.listed(work, org_id, asked)]
            rows = sorted(rows, key=lambda row: (row["at"], row["id"]), reverse=True)[: asked["limit"]]
        else:
            rows = store.listed(work, caller.org_id, asked)
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=None, purpose="directory"))
        return Outcome(value=paging.page(rows, query["limit"], by="at"))


def close(db: Database, call: Call) -> Outcome:
    """Say what became of a report. Raises NotFound for another organisation's, Stale, Conflict when it is closed."""
    with db.work(call) as work:
        done = work.claimed() is not None
        org_id, caller = store.owner(work, call.path["report"]), call.caller
        if caller is None or not (is_keeper(caller) or caller.org_id == org_id):
            raise NotFound
        row = store.read(work, org_id, call.path["report"], lock=True)
        if not done:
            _check(call, row)
            store.end(work, row, call.body["outcome"], caller.subject)
            work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=row["id"], purpose="directory"))
        now = store.read(work, org_id, row["id"])
        return Outcome(value=now, version=now["version"])


def _check(call: Call, row: dict[str, Any]) -> None:
    if call.expected_version != row["version"]:
        raise Stale("report.stale", f"The report is at version {row['version']} now; read it again.")
    if row["state"] != truth.OPEN:
        raise Conflict("report.closed", f"The report is closed: {row['state']}.")


def forget_words(db: Database, now: dt.datetime | None = None) -> None:
    """Take out what people wrote, a month after it was dealt with."""
    with db.background("directory.reports") as work:
        store.forget_words(work, (now or work.now) - truth.REPORT_KEPT)
