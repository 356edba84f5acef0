"""Somebody without a duty looks at a man's contact: with a reason and a second factor, told to the officer at once."""

from __future__ import annotations

from chassis import paging
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import NotFound
from chassis.requests import Call, Outcome
from chassis.step_up import require_step_up
from services.groups import events
from services.groups.rules import glass as rules
from services.groups.store import glass
from services.groups.usecases.entering import EnteredSignUp, caller_of, enter
from services.groups.usecases.records import sealed_of
from services.groups.usecases.signing_up import OBJECT
from services.groups.usecases.staff import CONTACT

GLASS = "glass"


def break_glass(db: Database, call: Call) -> Outcome:
    """Open a man's contact for half an hour. Raises NotAllowed without a second factor of a moment ago, NotFound."""
    with db.work(call) as work:
        done = work.claimed()
        entered = enter(work, call, done=done)
        require_step_up(entered.caller, work.now)
        reason = call.body["reason"]
        if done is None:
            _break(work, entered, reason)
        object_id = None if done else entered.sign_up.id
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=object_id, purpose=reason))
        return _shown(work, entered)


def look(db: Database, call: Call) -> Outcome:
    """A man's contact while it is open to the caller. Raises NotFound when it is not."""
    with db.work(call) as work:
        entered = enter(work, call)
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=entered.sign_up.id))
        return _shown(work, entered)


def listed(db: Database, call: Call) -> Outcome:
    """Every look outside of duty in the caller's organisation, newest first."""
    with db.work(call) as work:
        query = call.query
        rows = glass.listed(work, after=paging.position(query["cursor"]), limit=query["limit"] + 1)
        work.record(Entry(operation=call.operation, object_type=GLASS, object_id=None))
        return Outcome(value=paging.page(rows, query["limit"], by="at"))


def seen(db: Database, call: Call) -> Outcome:
    """The officer has seen a look. Raises NotFound."""
    with db.work(call) as work:
        done, glass_id = work.claimed(), call.path["glass_id"]
        if done is None:
            glass.seen(work, glass_id, caller_of(call).subject)
        found = glass.shown(work, glass_id)
        if found is None:
            raise NotFound
        work.record(Entry(operation=call.operation, object_type=GLASS, object_id=None if done else glass_id))
        return Outcome(value=found)


def _break(work: Work, entered: EnteredSignUp, reason: str) -> None:
    group, subject = entered.group, entered.caller.subject
    made = glass.broken(work, entered.sign_up.id, reason=reason, subject=subject, until=work.now + rules.OPEN)
    work.tell(events.glass_told(made, group.id, org_id=group.org_id, subject=subject, purpose=reason, at=work.now))


def _shown(work: Work, entered: EnteredSignUp) -> Outcome:
    until = glass.open_until(work, entered.sign_up.id, entered.caller.subject)
    if until is None:
        raise NotFound
    told = sealed_of(work, entered.sign_up.id)["contact"] or {}
    value = {"signup_id": entered.sign_up.id, "until": until, **dict.fromkeys(CONTACT), **told}
    return Outcome(value=value, relation=entered.relation)
