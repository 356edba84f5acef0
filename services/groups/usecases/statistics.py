"""Closes the months of programmes and tells their figures, once each, a few days after their end (groups.md 9, 10)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from chassis import clock
from chassis.audit import Entry
from chassis.db import Database
from services.groups import events
from services.groups.rules import grouping
from services.groups.rules import indicators as rules
from services.groups.store import statistics

SETTLES = dt.timedelta(days=3)
"""Attendance closes 48 hours after a meeting; what comes later stays in the organisation's own figures."""


def close(db: Database) -> int:
    """Tell every month that is over; returns how many were told now. It may run anywhere and at any time."""
    until = (clock.now() - SETTLES).date().replace(day=1)
    with db.background("groups.statistics") as work:
        found = statistics.to_close(work, until)
    return sum(_close_one(db, row) for row in found)


def _close_one(db: Database, row: dict[str, Any]) -> bool:
    with db.background("groups.statistics", org=row["org_id"]) as work:
        figures = rules.told_of_one(statistics.sums(work, row["programme_id"], row["month"]))
        statistics_id = clock.new_id()
        if not statistics.close(work, statistics_id, row["programme_id"], row["month"], figures):
            return False
        made = statistics.one(work, statistics_id)
        if made is not None:
            work.tell(events.statistics_told(made, public=grouping.KINDS[made["kind"]].public, at=work.now))
        entry = Entry(
            operation="statistics.close", object_type="programme", object_id=row["programme_id"], purpose="upkeep"
        )
        work.record(entry)
    return True
