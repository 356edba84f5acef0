"""A roster as a file, each one on record with its purpose; and addresses of calendars that can be taken back."""

from __future__ import annotations

import secrets
from typing import Any

from chassis import clock
from chassis.apart import apart
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import NotFound
from chassis.requests import Call, Outcome
from services.groups import events, views
from services.groups.rules import calendar, exporting, roster_pdf, workbook
from services.groups.store import exports, seats, sessions
from services.groups.usecases.attendance import tallies
from services.groups.usecases.entering import Entered, enter_group

GROUP = "group"
TOKEN = "calendar.token"  # noqa: S105 - what the hash is for
SHOWN = ("waiting", "offered", "intake", "confirmed", "active", "completed")


def export_csv(db: Database, call: Call) -> bytes:
    """The roster as a table of text. Raises NotFound."""
    return exporting.as_csv(_exported(db, call, "csv"))


def export_xlsx(db: Database, call: Call) -> bytes:
    """The roster as a workbook. Raises NotFound."""
    return apart(workbook.as_xlsx, _exported(db, call, "xlsx"), "roster")


def export_pdf(db: Database, call: Call) -> bytes:
    """The roster as pages to print. Raises NotFound."""
    rows = _exported(db, call, "pdf")
    reference = str(call.path["group_id"])[:8]
    return apart(roster_pdf.page, rows, f"{reference} · {clock.now():%Y-%m-%d}")


def open_calendar(db: Database, call: Call) -> Outcome:
    """Give the caller an address of the group's calendar; an older one of his is none any more. Raises NotFound."""
    with db.work(call) as work:
        entered = enter_group(work, call, call.path["group_id"])
        token = new_token()
        exports.open_for_staff(
            work, entered.group.id, entered.caller.subject, work.digest(TOKEN, token), call.body["language"]
        )
        work.record(Entry(operation=call.operation, object_type=GROUP, object_id=entered.group.id))
        return Outcome(value={"path": path_of(token)}, relation=entered.relation)


def close_calendar(db: Database, call: Call) -> Outcome:
    """Take the caller's address back. Raises NotFound."""
    with db.work(call) as work:
        entered = enter_group(work, call, call.path["group_id"])
        exports.close_for_staff(work, entered.group.id, entered.caller.subject)
        work.record(Entry(operation=call.operation, object_type=GROUP, object_id=entered.group.id))
        return Outcome(value={"path": None}, relation=entered.relation)


def read_calendar(db: Database, call: Call) -> bytes:
    """The calendar behind an address. Raises NotFound where there is none, or none any more."""
    with db.view() as work:
        found = exports.calendar(work, work.digest(TOKEN, call.path["token"].removesuffix(".ics")))
        if found is None:
            raise NotFound
        with seats.inside(work, found["org_id"]):
            rows = exports.entries(work, found["group_id"])
    return calendar.feed([calendar.Entry(**row) for row in rows], found["language"])


def new_token() -> str:
    """A token that cannot be guessed: 192 bits."""
    return secrets.token_urlsafe(24)


def path_of(token: str) -> str:
    """Where a calendar program asks."""
    return f"/calendars/{token}.ics"


def _exported(db: Database, call: Call, form: str) -> list[list[Any]]:
    with db.work(call) as work:
        entered = enter_group(work, call, call.path["group_id"])
        rows = _rows(work, entered)
        group, subject, purpose = entered.group, entered.caller.subject, call.query["purpose"]
        made = exports.note(work, group.id, purpose=purpose, form=form, subject=subject)
        work.tell(
            events.export_told(made, group.id, org_id=group.org_id, subject=subject, purpose=purpose, at=clock.now())
        )
        work.record(Entry(operation=call.operation, object_type=GROUP, object_id=group.id, purpose=purpose))
    return rows


def _rows(work: Work, entered: Entered) -> list[list[Any]]:
    group_id = entered.group.id
    lines = [row for state in SHOWN for row in views.roster(work, group_id, state)]
    keys = work.keys.fetch([row["key_id"] for row in lines]) if lines else {}
    counted = tallies(work, group_id)
    known = []
    for row in lines:
        if row["key_id"] not in keys:
            continue
        his = counted.get(row["signup_id"])
        shares = {"attended_share": his.attended_share if his else None}
        shares["commitment_share"] = his.commitment_share if his else None
        known.append({**row, **shares, "alias": views.alias_of(keys, row)})
    known.sort(key=lambda row: (row["state"] == "waiting", row["queue_seq"]))
    meetings = [each.no for each in sessions.of_group(work, group_id)]
    return exporting.table(known, meetings, exports.codes(work, group_id))
