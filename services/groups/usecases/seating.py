"""Taking and freeing seats under the group lock: every step is one row, one history row and one event (groups.md 4)."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace

from chassis import clock
from chassis.audit import Entry
from chassis.db import Database, Work
from services.groups import events
from services.groups.rules import intake, lifecycle, queue
from services.groups.rules.lifecycle import Edge
from services.groups.store import queueing, remarks, seats
from services.groups.store.seats import Group, SignUp
from services.groups.usecases import notifying
from services.groups.usecases.acts import BY_SYSTEM, Act, Moved
from services.groups.usecases.consequences import follow

GROUPS_AT_ONCE = 100


def take(work: Work, group: Group, sign_up: SignUp, action: str, *, now: dt.datetime, act: Act) -> tuple[Group, SignUp]:
    """Take one step and tell it. Raises Conflict when the table has no such edge for this actor."""
    edge = lifecycle.decide(action, state=sign_up.state, intake=group.intake, actor=act.actor)
    noted = seats.Noted(actor=act.actor, subject=act.subject, reason=act.reason)
    until = _until(group, sign_up, edge, now=now)
    group, moved = seats.move(work, group, sign_up, edge, at=now, until=until, noted=noted)
    tell(work, group, moved, edge, now=now, act=act)
    return group, moved


def tell(work: Work, group: Group, sign_up: SignUp, edge: Edge, *, now: dt.datetime, act: Act) -> None:
    """Tell the owner of the group of a step that was just taken, and let follow what follows from it."""
    tell_step(work, group, sign_up, edge.event, now=now)
    follow(work, Moved(group=group, sign_up=sign_up, edge=edge, act=act, at=now))


def tell_step(work: Work, group: Group, sign_up: SignUp, verb: str, *, now: dt.datetime) -> None:
    """Tell every organisation that holds the group; each has a count of its own."""
    step = step_of(group, sign_up)
    for org_id in (group.org_id, *group.co_orgs):
        work.tell(events.moved(verb, replace(step, org_id=org_id), at=now))


def step_of(group: Group, sign_up: SignUp) -> events.Step:
    """What events tell of a sign-up as it stands."""
    return events.Step(
        signup_id=sign_up.id,
        group_id=group.id,
        org_id=group.org_id,
        track=sign_up.place.track,
        queue_seq=sign_up.place.queue_seq,
        state=sign_up.state,
        deadline=sign_up.deadline,
        version=sign_up.version,
    )


def settle(work: Work, group: Group, *, now: dt.datetime) -> Group:
    """Let what is overdue lapse and offer what became free; the first thing that every command does under the lock."""
    for sign_up in queueing.overdue(work, group, now):
        action = _over(sign_up, now)
        group, _ = take(work, group, sign_up, action, now=now, act=BY_SYSTEM)
    return fill(work, group, now=now)


def _over(sign_up: SignUp, now: dt.datetime) -> str:
    """Which time is over: an offer's, a contact's that nobody confirmed, or a conversation's."""
    if sign_up.state == "offered":
        return "lapse"
    talk = sign_up.intake_until is not None and sign_up.intake_until <= now
    return "lapse_intake" if talk else "lapse_contact"


def fill(work: Work, group: Group, *, now: dt.datetime) -> Group:
    """Offer every free seat to the head of the queue, in this same transaction."""
    while group.gives and queue.to_offer(capacity=group.capacity, held=group.held, waiting=group.waiting):
        first = queueing.head(work, group)
        if first is None:
            break
        group, _ = take(work, group, first, "offer", now=now, act=BY_SYSTEM)
    return group


def sweep(db: Database) -> int:
    """Let seats lapse in groups where nobody asks anything; it only tidies, and may run anywhere at any time."""
    with db.background("groups.sweeper") as work:
        remarks.tidy(work)
        found = queueing.overdue_groups(work)
    for org_id, group_id in found:
        _sweep_one(db, org_id, group_id)
    return len(found)


def _until(group: Group, sign_up: SignUp, edge: Edge, *, now: dt.datetime) -> dt.datetime | None:
    """The deadline of the state that an edge leads to."""
    if edge.target == "intake":
        return intake.until(now, track=sign_up.place.track, country=group.country)
    if edge.target != "offered":
        return None
    about = queue.Offered(
        code_only=sign_up.code_only,
        track=sign_up.place.track,
        country=group.country,
        tz=group.tz,
        starts_at=group.starts_at,
    )
    return queue.offer_until(now, about)


def _sweep_one(db: Database, org_id: uuid.UUID, group_id: uuid.UUID) -> None:
    with db.background("groups.sweeper", org=org_id) as work:
        group = seats.lock_group(work, group_id)
        group = settle(work, group, now=clock.now())
        _remind(work, group, now=clock.now())
        work.record(Entry(operation="group.sweep", object_type="group", object_id=group_id, purpose="upkeep"))


def _remind(work: Work, group: Group, *, now: dt.datetime) -> None:
    """Remind once, at half of an offer's time; nothing but the reminder hangs on it, so only the sweeper does it."""
    for sign_up in queueing.remind(work, group, now):
        tell_step(work, group, sign_up, "offer_reminded", now=now)
        notifying.remind(work, sign_up)
