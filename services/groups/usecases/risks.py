"""Tells at once that a man who was sent may not begin by his day, whatever made it so (groups.md 4, rule 7)."""

from __future__ import annotations

import datetime as dt
import uuid

from chassis.audit import Entry
from chassis.db import Database, Work
from services.groups.rules.referred import at_risk
from services.groups.store import queueing, referred, seats
from services.groups.store.seats import Group, SignUp
from services.groups.usecases import seating


def warn(work: Work, group: Group, sign_up: SignUp, due_on: dt.date) -> bool:
    """Tell it of one man whose group is locked, and keep that it was told; whether it was."""
    free = min(group.capacity - group.held, group.mandated_seats - queueing.mandated_held(work, group))
    before = queueing.men_before(work, group, sign_up.place) if sign_up.state == "waiting" else -1
    starts_on = max(group.starts_at, work.now).date() if group.starts_at else None
    if not at_risk(due_on, starts_on=starts_on, before=before, free=free):
        return False
    referred.risk_told(work, sign_up.id)
    seating.tell_step(work, group, sign_up, "due_at_risk", now=work.now)
    return True


def sweep(db: Database) -> int:
    """Look at everybody who waits and of whom it was not told yet; returns how many groups there were."""
    with db.background("groups.sweeper") as work:
        found = referred.groups_with_due_men(work)
    for org, group_id in found:
        _sweep_one(db, org, group_id)
    return len(found)


def _sweep_one(db: Database, org: uuid.UUID, group_id: uuid.UUID) -> None:
    with db.background("groups.sweeper", org=org) as work:
        group = seats.lock_group(work, group_id)
        told = [warn(work, group, sign_up, due_on) for sign_up, due_on in referred.due_men(work, group_id)]
        if any(told):
            work.record(Entry(operation="group.sweep", object_type="group", object_id=group_id, purpose="upkeep"))
