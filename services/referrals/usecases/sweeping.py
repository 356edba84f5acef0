"""What clocks bring about by themselves: reminders, calls, the recall; for whatever nobody touched in time."""

from __future__ import annotations

import datetime as dt
import uuid

from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.tracing import log_fault
from services.referrals.rules.clock_table import RECALL, RECALLED
from services.referrals.rules.clocks import Clock, Facts
from services.referrals.rules.lifecycle import SENDER
from services.referrals.rules.tasks import due_at_step
from services.referrals.store import clocks as store
from services.referrals.store import legs
from services.referrals.store.legs import Leg
from services.referrals.usecases.clocks import facts_of
from services.referrals.usecases.entering import OBJECT
from services.referrals.usecases.moving import CLOCKS, expire
from services.referrals.usecases.reminding import remind

AT_ONCE = 100
PER_TURN = 500
"""So that a process that is told to stop has not long to wait; the rest is due at the next turn."""


def sweep(db: Database, *, at: dt.datetime | None = None) -> int:
    """Do what is due by now, each referral in a transaction of its own. Returns in how many something was done.

    Two sweepers at once, or one that was stopped in between, do the same as one: each looks again under the lock.
    """
    place, done = store.BEGINNING, 0
    for _ in range(PER_TURN // AT_ONCE):
        with db.background(CLOCKS) as work:
            work.now = at or work.now
            places = store.due(work, place, AT_ONCE)
        done += sum(_tried(db, org, referral_id, at) for _, org, referral_id in places)
        if len(places) < AT_ONCE:
            break
        place = places[-1]
    return done


def act(db: Database, org: uuid.UUID, referral_id: uuid.UUID, *, at: dt.datetime | None = None) -> bool:
    """Do what is due about one referral by the clocks of one party. Returns whether there was anything."""
    with db.background(CLOCKS, org=org) as work:
        work.now = at or work.now
        leg = legs.lock_leg(work, referral_id, org)
        party = store.party(work, leg, org)
        reached = [each for each in party.running.values() if each.act_at is not None and each.act_at <= work.now]
        if not reached:
            return False
        facts = facts_of(work, leg, not_before=party.not_before)
        for each in reached:
            _reach(work, leg, each, facts)
        work.record(Entry(operation="referral.clocks", object_type=OBJECT, object_id=leg.id, purpose="deadline"))
        return True


def _tried(db: Database, org: uuid.UUID, referral_id: uuid.UUID, at: dt.datetime | None) -> bool:
    """One that fails must not keep the others waiting; it is due again at the next turn."""
    try:
        return act(db, org, referral_id, at=at)
    except Exception as error:  # noqa: BLE001 - as above; the next question tells whether the database is gone
        log_fault("clocks.fault", error)
        return False


def _of_a_queue_before(leg: Leg) -> bool:
    """Whether it is the sender's row that acts though there is a receiver: he was told nothing since it was taken."""
    return leg.side == SENDER and leg.receiver_id is not None


def _reach(work: Work, leg: Leg, clock: Clock, facts: Facts) -> None:
    if clock.code == RECALL and (leg.state not in RECALLED or _of_a_queue_before(leg)):
        store.give_up(work, leg.id, clock.code)  # a step that its party was not told of
        return
    passed = sum(1 for each in clock.steps if each <= work.now)
    last = due_at_step(clock, passed, facts, view=leg.side)
    if last.expires:
        expire(work, leg)
        remind(work, leg, last.tasks, facts, since=clock.steps[passed - 1])
        return
    for level in range(clock.level + 1, passed + 1):
        due = due_at_step(clock, level, facts, view=leg.side)
        remind(work, leg, due.tasks, facts, since=clock.steps[level - 1])
    store.reach(work, leg.id, clock.code, passed)
