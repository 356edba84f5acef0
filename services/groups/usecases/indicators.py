"""Indicators: counted with each step in its own transaction, read for fixed periods, small figures left out."""

from __future__ import annotations

from typing import Any

from chassis.audit import Entry
from chassis.db import Database
from chassis.requests import Call, Outcome
from services.groups.rules import indicators as rules
from services.groups.store import indicators


def read(db: Database, call: Call) -> Outcome:
    """The figures of a period. Raises Invalid for what is no period."""
    period, lines = _lines(db, call)
    return Outcome(value={"period": period, "by": call.query["by"], "lines": lines})


def read_csv(db: Database, call: Call) -> bytes:
    """The same as a table of text."""
    return rules.as_csv(_lines(db, call)[1])


def _lines(db: Database, call: Call) -> tuple[str, list[dict[str, Any]]]:
    with db.work(call) as work:
        period = call.query["period"] or str(work.now.year)
        first, after = rules.months_of(period)
        rows = indicators.sums(work, by=call.query["by"], first=first, after=after)
        work.record(Entry(operation=call.operation, object_type="programme", object_id=None))
    return period, rules.table(rows)
