"""What is swept: sessions, devices and invitations that ended, tries that nobody made for a day."""

from __future__ import annotations

from chassis.audit import Entry
from chassis.db import Database
from services.access.rules import throttling
from services.access.store import sessions, throttle


def sweep(db: Database) -> int:
    """Delete what has ended; returns how many rows, on record when there were any."""
    with db.background("sweeper") as work:
        gone = sum(sessions.sweep(work, org_id) for org_id in sessions.organisations_to_sweep(work))
        gone += throttle.sweep(work, work.now - throttling.FORGOTTEN_AFTER)
        if gone:
            work.record(Entry(operation="session.sweep", object_type="session", object_id=None, purpose="upkeep"))
        return gone
