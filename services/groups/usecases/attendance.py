"""The evening itself: who came, apologies, closing, corrections; and what follows for a man (groups.md 6, 7)."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from chassis import clock
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import FieldError, Invalid
from chassis.requests import Call, Outcome
from services.groups import views
from services.groups.rules import attendance as rules
from services.groups.rules.attendance import Tally
from services.groups.rules.sessions import CLOSES
from services.groups.store import attendance, indicators, seats, sessions
from services.groups.store.seats import Group
from services.groups.store.sessions import Session
from services.groups.usecases import seating
from services.groups.usecases.acts import BY_SYSTEM
from services.groups.usecases.entering import Entered, enter_group
from services.groups.usecases.sessions import entered_session, save, shown, tell_attendance

OBJECT = "session"
Step = Callable[[Work, Call, Entered, Session], Session]


def sheet(db: Database, call: Call) -> Outcome:
    """Who may come to a meeting, and who came. Raises NotFound."""
    return _do(db, call, None)


def enter(db: Database, call: Call) -> Outcome:
    """Write who came, all in one form. Raises Invalid, Stale and Conflict; nothing of a refused form is kept."""
    return _do(db, call, _enter)


def close(db: Database, call: Call) -> Outcome:
    """Close a meeting; from then on a change is a correction. Raises Stale and Conflict."""
    return _do(db, call, _close)


def sweep(db: Database) -> int:
    """Close what ended two days ago and nobody closed; it may run anywhere at any time."""
    with db.background("groups.sweeper") as work:
        found = attendance.to_close(work, work.now - CLOSES)
    for org, group_id, no in found:
        _close_one(db, org, group_id, no)
    return len(found)


def tallies(work: Work, group_id: uuid.UUID, sign_up_id: uuid.UUID | None = None) -> dict[uuid.UUID, Tally]:
    """The figures of the men of a group, or of one of them."""
    rule, core = attendance.rule(work, group_id), attendance.topics_held(work, group_id)
    seen = attendance.seen(work, group_id, sign_up_id)
    return {man: rules.tally(records, rule, core_held=core) for man, records in seen.items()}


def _do(db: Database, call: Call, step: Step | None) -> Outcome:
    with db.work(call) as work:
        done = work.claimed()
        entered = enter_group(work, call, call.path["group_id"])
        if step is not None and done is None:
            session = step(work, call, entered, entered_session(work, call, entered))
        else:
            session = sessions.one(work, entered.group.id, call.path["no"])
        object_id = None if done else session.id
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=object_id))
        return Outcome(value=_sheet(work, session), version=session.version, relation=entered.relation)


def _enter(work: Work, call: Call, entered: Entered, session: Session) -> Session:
    body, now = call.body, clock.now()
    rules.check_open(state=session.state, starts_at=session.starts_at, now=now)
    rules.check_correction(session.state, body["reason"])
    lines = {row["signup_id"]: row for row in attendance.sheet(work, session)}
    _check_listed(body["entries"], lines)
    before = tallies(work, session.group_id) if session.state == "closed" else {}
    attendance.put(work, session, body["entries"], subject=entered.caller.subject, reason=body["reason"])
    came = [each["signup_id"] for each in body["entries"] if each["code"] in rules.ATTENDED]
    _activate(work, entered.group, came, now=now)
    state = "closed" if session.state == "closed" else "held"
    headcount = session.headcount if body["headcount"] is None else body["headcount"]
    return _written(work, session, replace(session, state=state, headcount=headcount), body["entries"], before)


def _written(
    work: Work, before: Session, after: Session, entries: Iterable[dict[str, Any]], tallied: dict[uuid.UUID, Tally]
) -> Session:
    if after.state == "held" and before.state != "held":
        save(work, after, "held")
        indicators.add(work, after.group_id, "meetings_held", work.now)
    else:
        sessions.change(work, after)
    if after.state == "closed":
        touched = sorted(each["signup_id"] for each in entries)
        tell_attendance(work, "corrected", after, touched)
        _tell_thresholds(work, after, tallied)
    return replace(after, version=before.version + 1)


def _close(work: Work, _: Call, entered: Entered, session: Session) -> Session:
    rules.check_over(state=session.state, ends_at=session.ends_at, now=clock.now())
    return closed(work, session, subject=entered.caller.subject)


def closed(work: Work, session: Session, *, subject: str | None) -> Session:
    """Close a meeting that is locked: who has no entry gets one that says so; told, with absences that are too many."""
    before = _without(work, session)
    attendance.fill(work, session, subject=subject)
    after = replace(session, state="closed")
    sessions.change(work, after)
    lines = attendance.sheet(work, after)
    touched = [row["signup_id"] for row in lines]
    visits = sum(row["code"] in rules.ATTENDED for row in lines) + (after.headcount or 0)
    if visits:
        indicators.add(work, after.group_id, "visits", work.now, amount=visits)
    tell_attendance(work, "closed", after, touched)
    _tell_thresholds(work, after, before)
    return replace(after, version=session.version + 1)


def _without(work: Work, session: Session) -> dict[uuid.UUID, Tally]:
    """The figures as they stood before a meeting."""
    rule, core = attendance.rule(work, session.group_id), attendance.topics_held(work, session.group_id)
    seen = attendance.seen(work, session.group_id)
    kept = {man: [each for each in records if each.no != session.no] for man, records in seen.items()}
    return {man: rules.tally(records, rule, core_held=core) for man, records in kept.items()}


def _tell_thresholds(work: Work, session: Session, before: dict[uuid.UUID, Tally]) -> None:
    nothing = rules.tally((), attendance.rule(work, session.group_id))
    crossed = [
        man
        for man, after in tallies(work, session.group_id).items()
        if rules.newly_absent(before.get(man, nothing), after)
    ]
    if crossed:
        tell_attendance(work, "threshold_reached", session, sorted(crossed))


def _activate(work: Work, group: Group, came: list[uuid.UUID], *, now: dt.datetime) -> None:
    for sign_up_id in came:
        sign_up = seats.one(work, sign_up_id)
        if sign_up is not None and sign_up.state == "confirmed":
            group, _ = seating.take(work, group, sign_up, "activate", now=now, act=BY_SYSTEM)


def _check_listed(entries: list[dict[str, Any]], lines: dict[uuid.UUID, dict[str, Any]]) -> None:
    named: set[uuid.UUID] = set()
    for number, each in enumerate(entries):
        if each["signup_id"] not in lines:
            detail = "He is not on the list of this meeting."
            raise Invalid("attendance.not_listed", detail, fields=(_at(number, "unknown", detail),))
        if each["signup_id"] in named:
            detail = "He stands in the form twice."
            raise Invalid("attendance.twice", detail, fields=(_at(number, "unique", detail),))
        named.add(each["signup_id"])


def _at(number: int, code: str, detail: str) -> FieldError:
    return FieldError(f"/entries/{number}/signup_id", code, detail)


def _sheet(work: Work, session: Session) -> dict[str, Any]:
    rows = attendance.sheet(work, session)
    keys = work.keys.fetch([row["key_id"] for row in rows]) if rows else {}
    lines = [{**row, "alias": views.alias_of(keys, row)} for row in rows if row["key_id"] in keys]
    return {**shown(session), "lines": lines}


def _close_one(db: Database, org: uuid.UUID, group_id: uuid.UUID, no: int) -> None:
    with db.background("groups.sweeper", org=org) as work:
        seats.lock_group(work, group_id)
        session = sessions.one(work, group_id, no)
        if rules.due_to_close(state=session.state, ends_at=session.ends_at, now=clock.now()):
            closed(work, session, subject=None)
        work.record(Entry(operation="session.sweep", object_type=OBJECT, object_id=session.id, purpose="upkeep"))
