"""Tells the network how long services take to answer: a median of the last year, and nothing where there are few."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from chassis.db import Database, Work
from services.referrals import events
from services.referrals.rules.reporting import SMALLEST
from services.referrals.store import responses

ACTOR = "referrals.responding"
YEAR = dt.timedelta(days=365)


def measure(db: Database) -> int:
    """Measure every service anew and tell what changed; a timer calls this. Returns how many were told."""
    with db.background(ACTOR) as work:
        orgs = responses.organisations(work)
    return sum(_measured(db, org) for org in orgs)


def _measured(db: Database, org: uuid.UUID) -> int:
    with db.background(ACTOR, org=org) as work:
        found = {row["service_id"]: row for row in responses.measured(work, work.now - YEAR)}
        before = responses.told(work)
        now = {service: _median(found.get(service)) for service in {*found, *before}}
        changed = [service for service, median in now.items() if before.get(service) != median]
        for service in changed:
            row = {"service_id": service, "org_id": org, "median_hours": now[service]}
            responses.keep(work, row)
            work.tell(events.response_measured(row, at=work.now))
    return len(changed)


def _median(row: dict[str, Any] | None) -> int | None:
    if row is None or row["total"] < SMALLEST:
        return None
    hours: int = row["median_hours"]
    return hours


def standing(work: Work, service_id: uuid.UUID, _audience: str) -> dict[str, Any] | None:
    """What was last told of a service, for whoever missed it."""
    row = responses.standing(work, service_id)
    return events.response_state(row) if row else None
