"""Keeps the journal from growing for ever: what is older than its retention goes, some at a time."""

from __future__ import annotations

import datetime as dt

from chassis import clock
from chassis.db import Database
from services.subscriptions import rules, views
from services.subscriptions.store import journal as store

AGENT = "subscriptions.sweeper"
MOST_AT_ONCE = 1_000


def sweep(db: Database, days: int, *, most: int = MOST_AT_ONCE) -> int:
    """Delete the events that were written more than `days` ago; returns how many. Positions go on as they were."""
    before = clock.now() - dt.timedelta(days=days)
    with db.view() as work:
        streams = views.streams(work)
    return sum(_sweep_one(db, stream, before, most) for stream in streams)


def _sweep_one(db: Database, stream: str, before: dt.datetime, most: int) -> int:
    swept = 0
    while True:
        with db.background(AGENT, org=rules.owner_of(stream)) as work:
            count = store.sweep(work, stream, before=before, most=most)
        swept += count
        if count < most:
            return swept
