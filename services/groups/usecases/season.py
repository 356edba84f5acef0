"""A group over its season: changed, started, finished, cancelled, archived, and told once a day (groups.md 5, 9)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chassis import clock
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import FieldError, Invalid, NotFound
from chassis.requests import Call, Outcome
from services.groups import views
from services.groups.rules import delegations, grouping
from services.groups.rules import season as rules
from services.groups.rules.lifecycle import WORKER
from services.groups.store import apart, groups, season, seats
from services.groups.store import delegations as quotas
from services.groups.store.seats import Group
from services.groups.usecases import seating
from services.groups.usecases.acts import Act
from services.groups.usecases.entering import Entered, caller_of, enter_both, enter_group
from services.groups.usecases.grouping import check_version, move_group, own, tell_group
from services.groups.usecases.moving_on import let_go
from services.groups.usecases.programmes import organisations
from services.groups.usecases.sessions import reschedule

OBJECT = "group"
Step = Callable[[Work, Call, Entered, dict[str, Any]], None]


def change(db: Database, call: Call) -> Outcome:
    """Change what a group is to be. Raises Stale, Invalid, and Conflict where seats are held that would go."""
    return _do(db, call, _change)


def postpone(db: Database, call: Call) -> Outcome:
    """Begin on another day: every meeting that is ahead moves. Raises Stale and Conflict."""
    return _do(db, call, _postpone)


def start(db: Database, call: Call) -> Outcome:
    """Begin. Raises Stale, and Conflict where too few hold a seat and nobody said to run all the same."""
    return _do(db, call, _start)


def finish(db: Database, call: Call) -> Outcome:
    """End a season. Raises Stale, and Conflict naming what is not settled."""
    return _do(db, call, _end("finish"))


def cancel(db: Database, call: Call) -> Outcome:
    """Let a group not take place, or not any more. Raises Stale and Conflict."""
    return _do(db, call, _end("cancel"))


def archive(db: Database, call: Call) -> Outcome:
    """Close a finished group for good. Raises Stale and Conflict."""
    return _do(db, call, _archive)


def duplicate(db: Database, call: Call) -> Outcome:
    """Make a draft for the next season; with `successor` the queue of this one goes over to it in the end.

    Raises NotFound.
    """
    with db.work(call) as work:
        made, group_id = work.claimed(), call.path["group_id"]
        entered = enter_group(work, call, group_id)
        draft_id = made or clock.new_id()
        if made is None:
            subject = entered.caller.subject
            season.duplicate(work, group_id, draft_id, start_on=call.body["start_on"], subject=subject)
            if call.body["successor"]:
                season.change(work, group_id, {"successor_id": draft_id}, subject=subject)
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=None if made else draft_id))
        return replace(own(work, draft_id), relation=entered.relation)


def tell_daily(db: Database) -> int:
    """Tell the groups whose page says otherwise than their last event, at the hour for it; else do nothing."""
    if clock.now().hour != rules.HOUR_OF_TELLING:
        return 0
    with db.background("groups.sweeper") as work:
        found = season.to_tell(work)
    for org, group_id in found:
        with db.background("groups.sweeper", org=org) as work:
            tell_group(work, groups.lock_for_opening(work, group_id), "changed")
            work.record(Entry(operation="group.sweep", object_type=OBJECT, object_id=group_id, purpose="upkeep"))
    return len(found)


def _do(db: Database, call: Call, step: Step) -> Outcome:
    with db.work(call) as work:
        done, group_id = work.claimed(), call.path["group_id"]
        entered = _entered(work, call)
        if done is None:
            group = groups.lock_for_opening(work, group_id)
            check_version(group, call.expected_version)
            step(work, call, entered, group)
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=None if done else group_id))
        return replace(own(work, group_id), relation=entered.relation)


def _entered(work: Work, call: Call) -> Entered:
    other = _successor(work, call.path["group_id"]) or call.body.get("successor_id")
    if other is None:
        return enter_group(work, call, call.path["group_id"])
    apart.lock(work, caller_of(call).org_id)  # its queue may go over into the other one
    entered, _ = enter_both(work, call, other)
    return entered


def _change(work: Work, call: Call, entered: Entered, group: dict[str, Any]) -> None:
    changes = call.body  # what is not named is not in it
    if changes.get("capacity") is not None:
        grouping.check_capacity(group["kind"], changes["capacity"])
        rules.check_lowering(capacity=changes["capacity"], held=group["held"])
    if changes.get("successor_id") is not None:
        _check_successor(work, entered.group, changes["successor_id"])
    if changes.get("co_organisers") is not None:
        org_id = entered.group.org_id
        changes = {
            **changes,
            "co_orgs": organisations(work, changes["co_organisers"], at="/co_organisers", without=org_id),
        }
    if changes.get("quotas") is not None:
        _set_quotas(work, group, changes)
    season.change(work, group["id"], changes, subject=entered.caller.subject)
    seating.fill(work, seats.lock_group(work, group["id"]), now=clock.now())
    told = groups.lock_for_opening(work, group["id"])
    if group["state"] != "draft":
        tell_group(work, told, "changed")


def _set_quotas(work: Work, group: dict[str, Any], changes: dict[str, Any]) -> None:
    capacity = changes.get("capacity") or group["capacity"]
    delegations.check_quotas(group["kind"], changes["quotas"], capacity=capacity)
    delegations.check_lowering(changes["quotas"], quotas.held(work, group["id"]))
    quotas.write(work, group["id"], changes["quotas"])


def _check_successor(work: Work, group: Group, successor_id: uuid.UUID) -> None:
    try:
        successor = seats.lock_group(work, successor_id)
    except NotFound:
        detail = "Your organisation has no such group."
        raise Invalid("group.unknown", detail, fields=(FieldError("/successor_id", "unknown", detail),)) from None
    same = successor.programme_id == group.programme_id
    rules.check_takes_queue(state=successor.state, same_programme=same, same_group=successor.id == group.id)


def _postpone(work: Work, call: Call, entered: Entered, group: dict[str, Any]) -> None:
    rules.check_postponed(group["state"])
    reschedule(work, group["id"], call.body["start_on"])
    season.change(work, group["id"], {}, subject=entered.caller.subject)
    tell_group(work, groups.lock_for_opening(work, group["id"]), "changed")


def _start(work: Work, call: Call, entered: Entered, group: dict[str, Any]) -> None:
    edge = grouping.decide_group("start", group["state"])
    rules.check_start(held=group["held"], min_to_start=group["min_to_start"], with_few=call.body["with_few"])
    reason = "with_few" if group["held"] < group["min_to_start"] else None
    move_group(work, group, edge, act=Act(actor=WORKER, subject=entered.caller.subject, reason=reason))


def _end(action: str) -> Step:
    def step(work: Work, call: Call, entered: Entered, group: dict[str, Any]) -> None:
        edge = grouping.decide_group(action, group["state"])
        active = season.men_by_state(work, group["id"]).get("active", 0)
        if action == "finish":
            rules.check_finish(sessions=season.sessions_by_state(work, group["id"]), active=active)
        else:
            rules.check_cancel(active=active)
        successor = _locked_successor(work, group)
        let_go(work, entered.group, successor, reason=f"group.{edge.event}")
        now_stands = groups.lock_for_opening(work, group["id"])
        reason = call.body.get("reason")
        move_group(work, now_stands, edge, act=Act(actor=WORKER, subject=entered.caller.subject, reason=reason))

    return step


def _archive(work: Work, _: Call, entered: Entered, group: dict[str, Any]) -> None:
    edge = grouping.decide_group("archive", group["state"])
    move_group(work, group, edge, act=Act(actor=WORKER, subject=entered.caller.subject))


def _locked_successor(work: Work, group: dict[str, Any]) -> Group | None:
    if group["successor_id"] is None:
        return None
    successor = seats.lock_group(work, group["successor_id"])
    return successor if successor.state in rules.TAKES_A_QUEUE else None


def _successor(work: Work, group_id: uuid.UUID) -> uuid.UUID | None:
    found = views.own_group(work, group_id)
    return found["successor_id"] if found else None
