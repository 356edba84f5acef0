"""The queue of one group, always under the group's lock: its head, who is before whom, and what is overdue."""

from __future__ import annotations

import datetime as dt
import uuid

from chassis.db import Work
from services.groups.rules.intake import ATTEMPTS
from services.groups.rules.queue import Place
from services.groups.store.seats import COLUMNS, Group, Noted, SignUp, sign_up_of

HEAD = (
    COLUMNS  # noqa: S608 - both parts are constants
    + """
 WHERE group_id = %(group)s AND state = 'waiting' AND contact_until IS NULL
   AND (track = 1 OR %(most)s > (SELECT count(*) FROM sign_up AS s WHERE s.group_id = %(group)s AND s.track = 0
                                    AND s.state IN ('offered', 'intake', 'confirmed', 'active')))
   AND (delegation IS NULL OR NOT EXISTS (
            SELECT 1 FROM delegation_quota AS q WHERE q.group_id = sign_up.group_id
               AND q.delegation = sign_up.delegation
               AND q.seats <= (SELECT count(*) FROM sign_up AS d WHERE d.group_id = q.group_id
                                  AND d.delegation = q.delegation
                                  AND d.state IN ('offered', 'intake', 'confirmed', 'active'))))
 ORDER BY track, waiting_since, queue_seq LIMIT 1 FOR UPDATE
"""
)
MANDATED_HELD = """
SELECT count(*) AS men FROM sign_up WHERE group_id = %s AND track = 0
   AND state IN ('offered', 'intake', 'confirmed', 'active')
"""
OVERDUE = (
    COLUMNS  # noqa: S608 - both parts are constants
    + """
 WHERE group_id = %(group)s AND due_at <= %(now)s
   AND (state = 'offered'
        OR (state = 'intake' AND intake_until <= %(now)s
            AND %(tries)s <= (SELECT count(*) FROM intake_entry AS e
                               WHERE e.sign_up_id = sign_up.id AND e.kind = 'attempt'))
        OR (state <> 'offered' AND contact_until <= %(now)s
            AND contact_is_over(id, contact_way, contact_until, %(now)s)))
 ORDER BY due_at, queue_seq FOR UPDATE
"""
)


def head(work: Work, group: Group) -> SignUp | None:
    """The first of the queue who may be given a seat: at the cap of men who were sent, the first of the others.

    Whose contact is not confirmed keeps his place and is left out (rule 8).
    """
    row = work.one(HEAD, {"group": group.id, "most": group.mandated_seats})
    return sign_up_of(row) if row else None


def mandated_held(work: Work, group: Group) -> int:
    """How many seats men hold who were sent."""
    row = work.one(MANDATED_HELD, (group.id,))
    return int(row["men"]) if row else 0


def overdue(work: Work, group: Group, now: dt.datetime) -> list[SignUp]:
    """Offers whose deadline has passed, and conversations that did not come about in time in spite of two tries."""
    values = {"group": group.id, "now": now, "tries": ATTEMPTS}
    return [sign_up_of(row) for row in work.all(OVERDUE, values)]


REMINDED = """
UPDATE sign_up SET remind_at = NULL WHERE group_id = %(group)s AND state = 'offered' AND remind_at <= %(now)s
   AND offer_until > %(now)s
RETURNING id, group_id, state, track, waiting_since, queue_seq, delegation, offer_until, intake_until, code_only,
          contact_way, contact_until, referral_id, placement_id, version
"""


def remind(work: Work, group: Group, now: dt.datetime) -> list[SignUp]:
    """Whose offer has passed half of its time without anybody having been reminded; now somebody is."""
    return [sign_up_of(row) for row in work.all(REMINDED, {"group": group.id, "now": now})]


NOTE_PASSED = """
WITH passed AS (
    UPDATE sign_up SET version = version + 1 WHERE id = %(id)s RETURNING id, org_id, group_id, version
)
INSERT INTO history (id, org_id, group_id, sign_up_id, no, transition, from_state, to_state, actor, by_subject, reason,
                     at)
SELECT gen_random_uuid(), org_id, group_id, id, version, 'passed_over', 'waiting', 'waiting', %(actor)s, %(subject)s,
       %(reason)s, %(at)s FROM passed
"""


def pass_over(work: Work, head: SignUp, *, at: dt.datetime, noted: Noted) -> None:
    """Note at the head of the queue that somebody was called before him, and why (rule 5); he keeps his place."""
    values = {"actor": noted.actor, "subject": noted.subject, "reason": noted.reason}
    work.later(NOTE_PASSED, {**values, "id": head.id, "at": at})


BEFORE = """
SELECT count(*) AS men FROM sign_up WHERE group_id = %s AND state = 'waiting'
   AND (track, waiting_since, queue_seq) < (%s, %s, %s)
"""


def men_before(work: Work, group: Group, place: Place) -> int:
    """How many wait before a place."""
    row = work.one(BEFORE, (group.id, place.track, place.waiting_since, place.queue_seq))
    return int(row["men"]) if row else 0


OVERDUE_GROUPS = "SELECT org_id, group_id FROM groups_with_overdue_seats(%s, 100)"


def overdue_groups(work: Work) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Organisations and groups with offers or conversations that are over."""
    return [(row["org_id"], row["group_id"]) for row in work.all(OVERDUE_GROUPS, (work.now,))]
