"""Attendance of the men of one group, written under the group's lock, and the decision that somebody finished."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from typing import Any

from chassis import clock
from chassis.db import Work
from services.groups.rules.attendance import Rule, Seen, Tally
from services.groups.store.sessions import Session

PUT = """
INSERT INTO attendance (id, org_id, session_id, sign_up_id, code, minutes, beforehand, corrected_for, by_subject, at)
VALUES (%(id)s, %(org_id)s, %(session_id)s, %(sign_up_id)s, %(code)s, %(minutes)s, %(beforehand)s, %(reason)s,
        %(subject)s, %(at)s)
ON CONFLICT (session_id, sign_up_id) DO UPDATE
   SET code = excluded.code, minutes = excluded.minutes, corrected_for = excluded.corrected_for,
       by_subject = excluded.by_subject, at = excluded.at
"""


def put(
    work: Work, session: Session, entries: Iterable[dict[str, Any]], *, subject: str | None, reason: str | None = None
) -> None:
    """Write who came; each entry has `signup_id`, `code`, `minutes`, and `beforehand` for an apology."""
    for each in entries:
        values = {"org_id": session.org_id, "session_id": session.id, "sign_up_id": each["signup_id"]}
        values |= {"id": clock.new_id(), "code": each["code"], "minutes": each.get("minutes"), "at": work.now}
        values |= {"beforehand": each.get("beforehand", False), "reason": reason, "subject": subject}
        work.later(PUT, values)


FILL = """
INSERT INTO attendance (id, org_id, session_id, sign_up_id, code, by_subject, at)
SELECT gen_random_uuid(), s.org_id, %(session)s, s.id, 'not_recorded', %(subject)s, %(at)s FROM sign_up AS s
 WHERE s.group_id = %(group)s AND s.state IN ('confirmed', 'active')
ON CONFLICT (session_id, sign_up_id) DO NOTHING
"""


def fill(work: Work, session: Session, *, subject: str | None) -> None:
    """Write that nothing was recorded of whoever holds a seat and has no entry yet."""
    values = {"session": session.id, "group": session.group_id, "subject": subject, "at": work.now}
    work.run(FILL, values, expect=None)


RULE = """
SELECT p.completion, p.absences FROM peer_group AS g JOIN programme AS p ON p.id = g.programme_id WHERE g.id = %s
"""


def rule(work: Work, group_id: uuid.UUID) -> Rule:
    """The programme's rule of completion and absence."""
    row = work.one(RULE, (group_id,)) or {"completion": {}, "absences": {}}
    completion = {**row["completion"], "core": tuple(row["completion"].get("core", ()))}
    return Rule(**completion, **row["absences"])


RECORDS = """
SELECT a.sign_up_id, s.no, a.code, s.topic_key, s.catches_up, a.minutes FROM attendance AS a
  JOIN session AS s ON s.id = a.session_id WHERE s.group_id = %(group)s AND s.state IN ('held', 'closed')
   AND (%(sign_up)s::uuid IS NULL OR a.sign_up_id = %(sign_up)s) ORDER BY a.sign_up_id, s.starts_at, s.no
"""


def seen(work: Work, group_id: uuid.UUID, sign_up_id: uuid.UUID | None = None) -> dict[uuid.UUID, list[Seen]]:
    """What is on record of the men of a group, in the order of the meetings."""
    found: dict[uuid.UUID, list[Seen]] = {}
    for row in work.all(RECORDS, {"group": group_id, "sign_up": sign_up_id}):
        found.setdefault(row.pop("sign_up_id"), []).append(Seen(**row))
    return found


CORE_HELD = """
SELECT DISTINCT topic_key FROM session WHERE group_id = %s AND state IN ('held', 'closed') AND topic_key IS NOT NULL
"""


def topics_held(work: Work, group_id: uuid.UUID) -> list[str]:
    """Topics of which a meeting was held."""
    return [row["topic_key"] for row in work.all(CORE_HELD, (group_id,))]


SHEET = """
SELECT s.id AS signup_id, s.state, s.version, s.language, a.code, a.minutes, coalesce(a.beforehand, false) AS apology,
       s.participant_id, p.key_id, p.personal
  FROM sign_up AS s JOIN participant AS p ON p.id = s.participant_id
  LEFT JOIN attendance AS a ON a.sign_up_id = s.id AND a.session_id = %(session)s
 WHERE s.group_id = %(group)s AND (s.state IN ('confirmed', 'active') OR a.id IS NOT NULL)
 ORDER BY s.queue_seq
"""


def sheet(work: Work, session: Session) -> list[dict[str, Any]]:
    """Who may come to a meeting or came, still sealed, with what is on record."""
    return work.all(SHEET, {"group": session.group_id, "session": session.id})


TO_CLOSE = "SELECT org_id, group_id, no FROM sessions_to_close(%s, 100)"


def to_close(work: Work, before: dt.datetime) -> list[tuple[uuid.UUID, uuid.UUID, int]]:
    """Meetings that ended before a moment and are not closed."""
    return [(row["org_id"], row["group_id"], row["no"]) for row in work.all(TO_CLOSE, (before,))]


COMPLETE = """
INSERT INTO completion (id, org_id, sign_up_id, decided_on, rule_met, held, attended, excused, absent, by_subject, at)
SELECT %(id)s, s.org_id, s.id, %(day)s, %(rule_met)s, %(held)s, %(attended)s, %(excused)s, %(absent)s, %(subject)s,
       %(at)s FROM sign_up AS s WHERE s.id = %(sign_up)s
"""


def complete(work: Work, sign_up_id: uuid.UUID, counted: Tally, *, day: dt.date, subject: str) -> None:
    """Write the decision with the figures that it rests on."""
    names = ("rule_met", "held", "attended", "excused", "absent")
    values = {"id": clock.new_id(), "sign_up": sign_up_id, "day": day, "subject": subject, "at": work.now}
    work.later(COMPLETE, {**values, **{name: getattr(counted, name) for name in names}})
