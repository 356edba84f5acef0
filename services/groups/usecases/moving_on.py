"""Men who go over into another group of the programme: one by one, by a merge, or when theirs ends (groups.md 3, 5)."""

from __future__ import annotations

import uuid
from dataclasses import replace

from chassis import clock
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import Conflict
from chassis.requests import Call, Outcome
from services.groups.rules import apart
from services.groups.rules import season as rules
from services.groups.rules.lifecycle import COORDINATOR, decide
from services.groups.store import apart as pairs
from services.groups.store import season, seats
from services.groups.store.seats import Group, Noted, SignUp
from services.groups.usecases import apart_seats, seating
from services.groups.usecases.acts import BY_SYSTEM, Act
from services.groups.usecases.entering import EnteredSignUp, caller_of, enter, enter_both, known
from services.groups.usecases.grouping import own
from services.groups.usecases.records import record_of, sealed_of
from services.groups.usecases.signing_up import OBJECT, contact_mac

CLOSES = ("offered", "intake", "confirmed")


def transfer(db: Database, call: Call) -> Outcome:
    """Let a waiting man wait in another group of the programme, on his word. Raises Invalid and Conflict."""
    with db.work(call) as work:
        done = work.claimed()
        pairs.lock(work, caller_of(call).org_id)
        entered = enter(work, call, done=done) if done else _transfer(work, call)
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=None if done else entered.sign_up.id))
        shown = record_of(work, entered)
        return Outcome(value=shown, version=shown["version"], relation=entered.relation)


def merge(db: Database, call: Call) -> Outcome:
    """Move the whole queue into another group, the oldest first. Raises Invalid."""
    with db.work(call) as work:
        done, group_id = work.claimed(), call.path["group_id"]
        pairs.lock(work, caller_of(call).org_id)
        entered, other = enter_both(work, call, call.body["group_id"])
        if done is None:
            target = known(other)
            _check(entered.group, target)
            act = Act(actor=COORDINATOR, subject=entered.caller.subject, reason="merge")
            move_queue(work, entered.group, target, act=act)
        work.record(Entry(operation=call.operation, object_type="group", object_id=None if done else group_id))
        return replace(own(work, group_id), relation=entered.relation)


def move_queue(work: Work, source: Group, target: Group, *, act: Act) -> Group:
    """Move everybody who waits; who is live in the other group already is closed here, who is kept out of it stays.

    Returns the source.
    """
    for sign_up in season.men_in(work, source.id, ("waiting",)):
        if not apart_seats.is_kept_out(work, target, sign_up.id):
            source, target = _go_over(work, source, target, sign_up, act=act)
    seating.fill(work, target, now=clock.now())
    return source


def let_go(work: Work, group: Group, successor: Group | None, *, reason: str) -> None:
    """When a group ends: its queue goes over to the successor, and whoever has not begun is closed."""
    if successor is not None:
        group = move_queue(work, group, successor, act=replace(BY_SYSTEM, reason=reason))
    for sign_up in season.men_in(work, group.id, ("waiting", *CLOSES)):
        group, _ = seating.take(work, group, sign_up, "close", now=clock.now(), act=replace(BY_SYSTEM, reason=reason))


def _transfer(work: Work, call: Call) -> EnteredSignUp:
    _, other = enter_both(work, call, call.body["group_id"])
    entered, target = enter(work, call), known(other)
    decide("transfer", state=entered.sign_up.state, intake=entered.group.intake, actor=COORDINATOR)
    _check(entered.group, target)
    if _is_live(work, target, entered.sign_up):
        raise Conflict("signup.live_there", "He waits or has a seat in that group already.", allowed=())
    if apart_seats.is_kept_out(work, target, entered.sign_up.id):
        raise apart.not_possible()
    act = Act(actor=COORDINATOR, subject=entered.caller.subject)
    _, target = _go_over(work, entered.group, target, entered.sign_up, act=act)
    seating.fill(work, target, now=clock.now())
    return replace(entered, group=target)


def _go_over(work: Work, source: Group, target: Group, sign_up: SignUp, *, act: Act) -> tuple[Group, Group]:
    if _is_live(work, target, sign_up):
        closing = replace(BY_SYSTEM, reason="live_there")
        source, _ = seating.take(work, source, sign_up, "close", now=clock.now(), act=closing)
        return source, target
    edge = decide("transfer", state=sign_up.state, intake=source.intake)
    noted = Noted(actor=act.actor, subject=act.subject, reason=act.reason)
    mac = _mac(work, target.id, sign_up)
    source, target, gone = season.go_over(work, source, target, sign_up, contact_mac=mac, noted=noted)
    apart_seats.go_over(work, sign_up.id)
    seating.tell(work, target, gone, edge, now=clock.now(), act=act)
    return source, target


def _is_live(work: Work, target: Group, sign_up: SignUp) -> bool:
    mac = _mac(work, target.id, sign_up)
    return mac is not None and seats.is_live(work, target, mac)


def _mac(work: Work, group_id: uuid.UUID, sign_up: SignUp) -> bytes | None:
    # The keyed hash of a contact is of one group only, so that nobody can be followed from one to another by it.
    return contact_mac(work, group_id, sealed_of(work, sign_up.id)["contact"])


def _check(source: Group, target: Group) -> None:
    rules.check_takes_queue(
        state=target.state,
        same_programme=source.programme_id == target.programme_id,
        same_group=source.id == target.id,
    )
