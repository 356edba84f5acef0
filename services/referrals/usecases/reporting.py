"""Reports of an organisation about its own referrals, as JSON and as CSV, without anybody in them."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

from chassis.audit import Entry
from chassis.db import Database
from chassis.requests import Call, Outcome
from services.referrals.rules import reporting, rights
from services.referrals.rules.lifecycle import RECEIVER, SENDER
from services.referrals.usecases.entering import OBJECT, caller_of
from services.referrals.views import reports


def report(db: Database, call: Call, name: str) -> Outcome:
    """One report. Raises NotAllowed for a side that the caller does not lead."""
    return Outcome(value=_made(db, call, name))


def table(db: Database, call: Call, name: str) -> bytes:
    """The same as CSV with a header (RFC 4180, UTF-8); what may not be told is an empty cell."""
    made = _made(db, call, name)
    text = io.StringIO()
    writer = csv.DictWriter(text, reporting.COLUMNS[name], lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(made["lines"])
    return text.getvalue().encode("utf-8")


def _made(db: Database, call: Call, name: str) -> dict[str, Any]:
    with db.work(call) as work:
        asked = _asked(call.query, caller_of(work).roles, work.now.date())
        rights.check_led(caller_of(work).roles, asked["side"])
        period = {"since": _midnight(asked["since"]), "until": _midnight(asked["until"]), "by": asked["by"]}
        rows = reports.counted(work, name, side=asked["side"], period=period)
        work.record(Entry(operation="referral.report", object_type=OBJECT, object_id=None, purpose=name))
    return {**asked, "report": name, "smallest": reporting.SMALLEST, "lines": reporting.told(name, rows)}


def _asked(query: dict[str, Any], roles: frozenset[str], today: dt.date) -> dict[str, Any]:
    led = rights.led_sides(roles)
    side = query["side"] or (SENDER if led == {SENDER} else RECEIVER)
    until = query["until"] or today + dt.timedelta(days=1)
    since = query["since"] or until - dt.timedelta(days=365)
    return {**query, "side": side, "since": since, "until": until}


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time.min, dt.UTC)
