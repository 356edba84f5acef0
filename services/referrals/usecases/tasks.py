"""Tasks that the house gave: who has which, and that one was done."""

from __future__ import annotations

from typing import Any

from chassis import paging
from chassis.audit import Entry
from chassis.db import Database
from chassis.errors import Conflict, NotFound
from chassis.requests import Call, Outcome
from services.referrals.rules import clock_rights, rights
from services.referrals.rules.legal_rights import CONCERN_LEAD
from services.referrals.rules.tasks import KINDS
from services.referrals.store import tasks
from services.referrals.usecases.entering import caller_of, relation_to
from services.referrals.usecases.reminding import add
from services.referrals.views import clocks as views

__all__ = ["add", "done", "listed"]

OBJECT = "task"


def listed(db: Database, call: Call) -> Outcome:
    """The caller's tasks about cases that he may open, those due first."""
    query = call.query
    with db.work(call) as work:
        caller = caller_of(work)
        at, after = paging.position(query["cursor"])
        wanted: dict[str, Any] = {
            "mine": sorted(clock_rights.tasks_of(caller.roles)),
            "over_units": sorted(clock_rights.tasks_over_units(caller.roles)),
            "all_units": not caller.units,
            "units": sorted(caller.units),
            "subject": caller.subject,
            "concern_lead": bool(caller.roles & CONCERN_LEAD),
            **{name: query[name] for name in ("done", "kind")},
            "at": at,
            "after": after,
            "limit": query["limit"] + 1,
        }
        rows = [{**row, **_now(row, work.now)} for row in views.tasks(work, wanted)]
        work.record(Entry(operation="referral.tasks", object_type=OBJECT, object_id=None))
        return Outcome(value=paging.page(rows, query["limit"], by="due_at"))


def done(db: Database, call: Call) -> Outcome:
    """Note that a task was done. Raises NotFound, Conflict when somebody did it before."""
    with db.work(call) as work:
        repeated = work.claimed()
        caller = caller_of(work)
        task = tasks.lock(work, call.path["task_id"], caller.subject)
        at = relation_to(caller, task, task["side"])
        mine = f"{task['side']}.{task['for_role']}" in clock_rights.tasks_of(caller.roles)
        if not mine or not rights.opens_task(caller.roles, at):
            raise NotFound
        if repeated is None and task["done_at"] is not None:
            raise Conflict("task.done_already", "This task was done already.")
        if repeated is None:
            tasks.done(work, task["id"], by=caller.subject)
        outcome = "done" if repeated is None else "repeated"
        work.record(Entry(operation="referral.task_done", object_type=OBJECT, object_id=task["id"], outcome=outcome))
        row = views.task(work, task["id"])
        return Outcome(value={**row, **_now(row, work.now)})


def _now(row: dict[str, Any], now: Any) -> dict[str, Any]:
    return {"text": KINDS[row["kind"]], "overdue": row["done_at"] is None and row["due_at"] < now}
