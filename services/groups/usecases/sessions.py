"""Meetings of a group: proposed, made with the opening, added, moved, cancelled; each step is told (groups.md 6, 9)."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from typing import Any

from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import Conflict, Stale
from chassis.requests import Call, Outcome
from chassis.wall_time import moment
from services.groups import events
from services.groups.rules import sessions as rules
from services.groups.rules.sessions import Proposed
from services.groups.store import sessions
from services.groups.store.sessions import Session
from services.groups.usecases import notifying
from services.groups.usecases.acts import GroupMoved
from services.groups.usecases.entering import Entered, enter_group

OBJECT = "session"


def proposal(db: Database, call: Call) -> Outcome:
    """The weekly series of the group's schedule, with the holidays in it. Raises Conflict without a schedule."""
    with db.work(call) as work:
        entered = enter_group(work, call, call.path["group_id"])
        items = [asdict(each) for each in _proposed(work, entered.group.id, keep=frozenset())]
        work.record(Entry(operation=call.operation, object_type="group", object_id=entered.group.id))
        return Outcome(value={"items": items, "next": None}, relation=entered.relation)


def listed(db: Database, call: Call) -> Outcome:
    """The meetings of a group. Raises NotFound."""
    return _do(db, call, None)


def make_series(db: Database, call: Call) -> Outcome:
    """Make the series, holidays kept where it is said so. Raises Conflict when there are meetings already."""
    return _do(db, call, _make_series)


def add(db: Database, call: Call) -> Outcome:
    """Add one meeting at the end of the numbers. Raises Invalid and Conflict."""
    return _do(db, call, _add)


def move(db: Database, call: Call) -> Outcome:
    """Set a meeting to another time. Raises NotFound, Stale, Invalid and Conflict."""
    return _do(db, call, _move)


def cancel(db: Database, call: Call) -> Outcome:
    """Let a meeting not take place. Raises NotFound, Stale and Conflict."""
    return _do(db, call, _cancel)


def make_with_the_opening(work: Work, moved: GroupMoved) -> None:
    """Make the proposed series when a group opens that has no meetings yet."""
    if moved.edge.name == "open" and not sessions.of_group(work, moved.group_id):
        _write_series(work, moved.group_id, keep=frozenset())


def cancel_with_the_group(work: Work, moved: GroupMoved) -> None:
    """Cancel what is still ahead when the group does not take place any more."""
    if moved.edge.name == "cancel":
        for each in sessions.of_group(work, moved.group_id):
            if each.state in rules.AHEAD:
                save(work, replace(each, state="cancelled", sequence=each.sequence + 1), "cancelled")


def reschedule(work: Work, group_id: uuid.UUID, start_on: dt.date) -> None:
    """Let the group begin on another day: the meetings that are ahead take the days of the new series, in their order.

    Raises Conflict without a schedule, and Invalid for a day that is past.
    """
    planned = sessions.schedule(work, group_id)
    if planned is None:
        raise _no_schedule()
    schedule = replace(planned[0], start_on=start_on)
    rules.check_time(dt.datetime.combine(start_on, schedule.local_start), schedule.tz, now=work.now)
    sessions.begin_on(work, group_id, start_on)
    days = [each.local_start for each in rules.propose(schedule) if not each.skipped]
    ahead = [each for each in sessions.of_group(work, group_id) if each.state in rules.AHEAD]
    for session, local in zip(ahead, days, strict=False):
        _set(work, session, local, session.minutes)
    notifying.tell_group(work, group_id)


def _set(work: Work, session: Session, local: dt.datetime, minutes: int) -> None:
    when = moment(local, session.tz)
    moved = replace(session, local_start=when.local, starts_at=when.at, minutes=minutes, state="moved")
    save(work, replace(moved, sequence=session.sequence + 1), "moved")


def _do(db: Database, call: Call, step: Callable[[Work, Call, Entered], None] | None) -> Outcome:
    with db.work(call) as work:
        done = work.claimed()
        entered = enter_group(work, call, call.path["group_id"])
        if step is not None and done is None:
            step(work, call, entered)
        object_id = None if done else entered.group.id
        work.record(Entry(operation=call.operation, object_type="group", object_id=object_id))
        items = [shown(each) for each in sessions.of_group(work, entered.group.id)]
        return Outcome(value={"items": items, "next": None}, relation=entered.relation)


def _make_series(work: Work, call: Call, entered: Entered) -> None:
    if sessions.of_group(work, entered.group.id):
        raise Conflict("session.series_made", "The group has sessions already; add, move or cancel one.", allowed=())
    _write_series(work, entered.group.id, keep=frozenset(call.body["keep"]))


def _add(work: Work, call: Call, entered: Entered) -> None:
    found = sessions.of_group(work, entered.group.id)
    rules.check_room(len(found))
    planned = sessions.schedule(work, entered.group.id)
    tz, minutes = (planned[0].tz, planned[1]) if planned else (entered.group.tz, None)
    if tz is None or minutes is None:
        raise _no_schedule()
    body = call.body
    rules.check_time(body["local_start"], tz, now=work.now)
    if body["catches_up"] is not None and body["catches_up"] not in {each.no for each in found}:
        raise Conflict("session.unknown", f"There is no session {body['catches_up']} to catch up.", allowed=())
    _write(work, entered.group.id, [(body["local_start"], body["topic_key"], body["catches_up"])], tz, minutes)


def _move(work: Work, call: Call, entered: Entered) -> None:
    session = entered_session(work, call, entered)
    rules.check_ahead(session.state, "move")
    rules.check_time(call.body["local_start"], session.tz, now=work.now)
    _set(work, session, call.body["local_start"], call.body["minutes"] or session.minutes)
    notifying.tell_group(work, entered.group.id)


def _cancel(work: Work, call: Call, entered: Entered) -> None:
    session = entered_session(work, call, entered)
    rules.check_ahead(session.state, "cancel")
    save(work, replace(session, state="cancelled", sequence=session.sequence + 1), "cancelled")
    notifying.tell_group(work, entered.group.id)


def entered_session(work: Work, call: Call, entered: Entered) -> Session:
    """The meeting that the path names. Raises NotFound, and Stale when it changed since it was read."""
    session = sessions.one(work, entered.group.id, call.path["no"])
    if call.expected_version not in {None, session.version}:
        message = f"The session is at version {session.version} now, you read {call.expected_version}; read it again."
        raise Stale("session.stale", message)
    return session


def save(work: Work, session: Session, verb: str) -> None:
    """Write a meeting as it now stands and tell the step."""
    sessions.change(work, session)
    _tell(work, verb, session, to_all=session.told_to_all and verb != "held")


def _tell(work: Work, verb: str, session: Session, *, to_all: bool) -> None:
    for meeting in [told_of(session)] if to_all else told_to_each(session):
        work.tell(events.session_told(verb, meeting, to_all=to_all, at=work.now))


def tell_attendance(work: Work, verb: str, session: Session, sign_up_ids: list[uuid.UUID]) -> None:
    """Tell every organisation that holds the group who is concerned, never how."""
    for meeting in told_to_each(session):
        work.tell(events.attendance_told(verb, meeting, sign_up_ids, at=work.now))


def told_to_each(session: Session) -> list[events.Meeting]:
    """What events tell of a meeting to each organisation that holds the group."""
    return [replace(told_of(session), org_id=org_id) for org_id in (session.org_id, *session.co_orgs)]


def told_of(session: Session) -> events.Meeting:
    """What events tell of a meeting."""
    return events.Meeting(
        id=session.id,
        attendance_id=session.attendance_id,
        org_id=session.org_id,
        group_id=session.group_id,
        no=session.no,
        local_date=session.local_start.date(),
        tz=session.tz,
    )


def shown(session: Session) -> dict[str, Any]:
    """A meeting as it is shown."""
    return {**asdict(session), "ends_at": session.ends_at}


def _proposed(work: Work, group_id: uuid.UUID, *, keep: frozenset[dt.date]) -> list[Proposed]:
    planned = sessions.schedule(work, group_id)
    if planned is None:
        raise _no_schedule()
    return rules.propose(planned[0], keep=keep)


def _write_series(work: Work, group_id: uuid.UUID, *, keep: frozenset[dt.date]) -> None:
    planned = sessions.schedule(work, group_id)
    if planned is None:
        raise _no_schedule()
    found = rules.propose(planned[0], keep=keep)
    chosen = [(each.local_start, None, None) for each in found if not each.skipped]
    _write(work, group_id, chosen, planned[0].tz, planned[1])


def _write(work: Work, group_id: uuid.UUID, chosen: Iterable[tuple[Any, Any, Any]], tz: str, minutes: int) -> None:
    first = len(sessions.of_group(work, group_id)) + 1
    rows = []
    for no, (local, topic_key, catches_up) in enumerate(chosen, first):
        when = moment(local, tz)
        row = {"no": no, "local_start": when.local, "starts_at": when.at, "tz": tz, "minutes": minutes}
        rows.append({**row, "topic_key": topic_key, "catches_up": catches_up})
    sessions.add(work, group_id, rows)
    for each in sessions.of_group(work, group_id):
        if each.no >= first:
            _tell(work, "scheduled", each, to_all=each.told_to_all)


def _no_schedule() -> Conflict:
    return Conflict(
        "group.not_scheduled", "The group has no schedule: first day, time and zone are missing.", allowed=()
    )
