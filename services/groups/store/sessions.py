"""Meetings of one group, written under the group's lock."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from chassis import clock
from chassis.db import Work
from chassis.errors import NotFound
from services.groups.rules.sessions import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A meeting as it stands, with what its events need of the group."""

    id: uuid.UUID
    org_id: uuid.UUID
    group_id: uuid.UUID
    attendance_id: uuid.UUID
    no: int
    local_start: dt.datetime
    tz: str
    minutes: int
    starts_at: dt.datetime
    state: str
    topic_key: str | None
    catches_up: int | None
    headcount: int | None
    sequence: int
    version: int
    told_to_all: bool
    co_orgs: list[uuid.UUID]

    @property
    def ends_at(self) -> dt.datetime:
        """When it is over."""
        return self.starts_at + dt.timedelta(minutes=self.minutes)


SCHEDULE = """
SELECT start_on, local_start, tz, minutes, sessions, country FROM peer_group WHERE id = %s
"""


def schedule(work: Work, group_id: uuid.UUID) -> tuple[Schedule, int] | None:
    """When a group meets, and for how many minutes; None while it has no schedule."""
    row = work.one(SCHEDULE, (group_id,))
    if row is None or row["start_on"] is None or row["local_start"] is None or row["tz"] is None:
        return None
    minutes = row.pop("minutes")
    return Schedule(**row), minutes


BEGIN_ON = "UPDATE peer_group SET start_on = %(day)s WHERE id = %(id)s"


def begin_on(work: Work, group_id: uuid.UUID, day: dt.date) -> None:
    """Write the day on which a group begins."""
    work.later(BEGIN_ON, {"id": group_id, "day": day})


COLUMNS = """
SELECT s.id, s.org_id, s.group_id, s.attendance_id, s.no, s.local_start, s.tz, s.minutes, s.starts_at, s.state,
       s.topic_key, s.catches_up, s.headcount, s.sequence, s.version,
       p.kind <> 'support_pair' AND (g.state = 'open' OR (g.state = 'running' AND g.admission <> 'closed'))
           AS told_to_all, g.co_orgs
  FROM session AS s JOIN peer_group AS g ON g.id = s.group_id JOIN programme AS p ON p.id = g.programme_id
"""
ALL = COLUMNS + " WHERE s.group_id = %s ORDER BY s.no"
ONE = COLUMNS + " WHERE s.group_id = %s AND s.no = %s FOR UPDATE OF s"
BY_ID = COLUMNS + " WHERE s.id = %s FOR SHARE OF s"
BY_ATTENDANCE = COLUMNS + " WHERE s.attendance_id = %s FOR SHARE OF s"


def of_group(work: Work, group_id: uuid.UUID) -> list[Session]:
    """The meetings of a group in their order."""
    return [Session(**row) for row in work.all(ALL, (group_id,))]


def one(work: Work, group_id: uuid.UUID, no: int) -> Session:
    """One meeting, locked. Raises NotFound."""
    row = work.one(ONE, (group_id, no))
    if row is None:
        raise NotFound
    return Session(**row)


def by_id(work: Work, session_id: uuid.UUID) -> Session | None:
    """One meeting by its id, for a baseline."""
    row = work.one(BY_ID, (session_id,))
    return Session(**row) if row else None


def by_attendance(work: Work, attendance_id: uuid.UUID) -> Session | None:
    """One meeting by the id of its attendance, for a baseline."""
    row = work.one(BY_ATTENDANCE, (attendance_id,))
    return Session(**row) if row else None


OWNER = "SELECT org_id FROM session_owner(%s)"


def owner(work: Work, session_id: uuid.UUID) -> uuid.UUID | None:
    """The organisation whose group meets."""
    row = work.one(OWNER, (session_id,))
    return row["org_id"] if row else None


ADD = """
INSERT INTO session (id, attendance_id, org_id, group_id, no, local_start, tz, minutes, starts_at, state, topic_key,
                     catches_up, version, changed_at)
SELECT %(id)s, %(attendance_id)s, g.org_id, g.id, %(no)s, %(local_start)s, %(tz)s, %(minutes)s, %(starts_at)s,
       'planned', %(topic_key)s, %(catches_up)s, 1, %(at)s FROM peer_group AS g WHERE g.id = %(group_id)s
"""


def add(work: Work, group_id: uuid.UUID, planned: Iterable[dict[str, Any]]) -> None:
    """Write meetings; each with `no`, `local_start`, `starts_at`, `tz`, `minutes`, `topic_key`, `catches_up`."""
    for each in planned:
        ids = {"id": clock.new_id(), "attendance_id": clock.new_id()}
        work.later(ADD, {**each, **ids, "group_id": group_id, "at": work.now})


CHANGE = """
UPDATE session SET local_start = %(local_start)s, starts_at = %(starts_at)s, minutes = %(minutes)s, state = %(state)s,
                   headcount = %(headcount)s, sequence = %(sequence)s, version = version + 1, changed_at = %(at)s
 WHERE id = %(id)s
"""


def change(work: Work, session: Session) -> None:
    """Write a meeting as it now stands, one version on."""
    names = ("id", "local_start", "starts_at", "minutes", "state", "headcount", "sequence")
    work.later(CHANGE, {**{name: getattr(session, name) for name in names}, "at": work.now})
