"""How the house reminds people: a task for whoever has to do something, and the message that says that there is one."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable

from chassis import working_time
from chassis.db import Work
from services.referrals.rules.clocks import Facts
from services.referrals.rules.feedback import NONE
from services.referrals.rules.lifecycle import CHILD_CONCERN, RECEIVER, SENDER
from services.referrals.rules.tasks import UNIT, Wanted
from services.referrals.store import tasks
from services.referrals.store.legs import Leg
from services.referrals.store.tasks import Task
from services.referrals.usecases import notifying

AT_ONCE = frozenset({"telephone_now"})
FOR_WHOMEVER = AT_ONCE
"""Kinds that reach a sender who wanted to hear nothing: where nobody answers a crisis, he has to know."""


def remind(work: Work, leg: Leg, wanted: Iterable[Wanted], facts: Facts, *, since: dt.datetime) -> None:
    """Give the tasks that follow from a moment; each is given once, however often this runs."""
    for each in wanted:
        org = leg.sender_id if each.side == SENDER else leg.receiver_id
        if org is None or (each.side == SENDER and facts.proposed == NONE and each.kind not in FOR_WHOMEVER):
            continue
        country = facts.countries.get(each.side)
        due_at = since if each.kind in AT_ONCE else working_time.add_working_days(since, 1, country)
        new = add(work, org, leg.id, each.kind, due_at, side=each.side, role=each.role, since=since)
        if new and leg.kind != CHILD_CONCERN:
            kind = "organisation.escalation" if each.kind in AT_ONCE else "organisation.reminder"
            notifying.tell(work, leg, org, kind)


def add(
    work: Work,
    org: uuid.UUID,
    referral_id: uuid.UUID,
    kind: str,
    due_at: dt.datetime,
    *,
    side: str = RECEIVER,
    role: str = UNIT,
    since: dt.datetime | None = None,
) -> bool:
    """Give an organisation a task about a referral; `since` is what it follows from, and makes it one task only.

    False where it was there already.
    """
    task = Task(
        org_id=org, referral_id=referral_id, side=side, kind=kind, for_role=role, since=since or work.now, due_at=due_at
    )
    return tasks.add(work, task)
