"""Who leads a group: assigned, as a substitute until a day, handed over; each change is told (groups.md 7, 9)."""

from __future__ import annotations

from dataclasses import replace

from chassis.audit import Entry
from chassis.db import Database
from chassis.errors import Conflict
from chassis.requests import Call, Outcome
from services.groups import events
from services.groups.rules import leading as rules
from services.groups.store import leaders
from services.groups.usecases.entering import enter_group
from services.groups.usecases.grouping import own

OBJECT = "group"


def assign(db: Database, call: Call) -> Outcome:
    """Let somebody lead from now on, a substitute until a time. Raises Invalid, and Conflict where he leads already."""
    with db.work(call) as work:
        done, body = work.claimed(), call.body
        entered = enter_group(work, call, call.path["group_id"])
        if done is None:
            rules.check_until(body["role"], body["until"], now=work.now)
            assignment = leaders.assign(work, entered.group.id, body)
            if assignment is None:
                raise Conflict("group.leader_twice", "He leads the group already.", allowed=())
            verb = "substituted" if body["role"] == rules.SUBSTITUTE else "assigned"
            group, subject = entered.group, body["subject"]
            work.tell(events.leader_told(verb, assignment, group.id, org_id=group.org_id, subject=subject, at=work.now))
        object_id = None if done else entered.group.id
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=object_id))
        return replace(own(work, entered.group.id), relation=entered.relation)


def end(db: Database, call: Call) -> Outcome:
    """Let somebody lead no longer, from now on. Raises Conflict where he does not, or where too few would be left."""
    with db.work(call) as work:
        done, subject = work.claimed(), call.body["subject"]
        entered = enter_group(work, call, call.path["group_id"])
        if done is None:
            if not leaders.end(work, entered.group.id, subject):
                raise Conflict("group.no_leader", "He does not lead this group.", allowed=())
            rules.check_left(entered.group.state, leaders.count(work, entered.group.id))
        object_id = None if done else entered.group.id
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=object_id))
        return replace(own(work, entered.group.id), relation=entered.relation)
