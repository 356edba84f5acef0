"""A group over its season: its changes, its counts, and men who go over into another group's queue."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace
from typing import Any, LiteralString

import orjson

from chassis.db import Work
from services.groups.store.seats import COLUMNS, Group, Noted, SignUp, sign_up_of

SESSIONS = "SELECT state, count(*) AS found FROM session WHERE group_id = %s GROUP BY state"
MEN = "SELECT state, count(*) AS found FROM sign_up WHERE group_id = %s GROUP BY state"


def sessions_by_state(work: Work, group_id: uuid.UUID) -> dict[str, int]:
    """How many meetings are in which state."""
    return {row["state"]: row["found"] for row in work.all(SESSIONS, (group_id,))}


def men_by_state(work: Work, group_id: uuid.UUID) -> dict[str, int]:
    """How many men are in which state."""
    return {row["state"]: row["found"] for row in work.all(MEN, (group_id,))}


IN_STATES: LiteralString = (
    COLUMNS
    + """
 WHERE group_id = %s AND state = ANY(%s) ORDER BY track, waiting_since, queue_seq FOR UPDATE
"""
)


def men_in(work: Work, group_id: uuid.UUID, states: tuple[str, ...]) -> list[SignUp]:
    """The men in some states, in the order of the queue."""
    return [sign_up_of(row) for row in work.all(IN_STATES, (group_id, list(states)))]


CHANGE = """
UPDATE peer_group SET names = coalesce(%(names)s::json, names), capacity = coalesce(%(capacity)s, capacity),
                      min_to_start = coalesce(%(min_to_start)s, min_to_start),
                      waitlist_limit = CASE WHEN %(limited)s THEN %(waitlist_limit)s ELSE waitlist_limit END,
                      languages = coalesce(%(languages)s, languages), admission = coalesce(%(admission)s, admission),
                      rolling_every = coalesce(%(rolling_every)s, rolling_every),
                      place_public = coalesce(%(place_public)s, place_public),
                      place_full = coalesce(%(place_full)s, place_full),
                      successor_id = coalesce(%(successor_id)s, successor_id),
                      co_orgs = coalesce(%(co_orgs)s, co_orgs),
                      sign_up_until = CASE WHEN %(until_named)s THEN %(sign_up_until)s ELSE sign_up_until END,
                      version = version + 1
 WHERE id = %(id)s
"""
NOTE = """
INSERT INTO history (id, org_id, group_id, no, transition, from_state, to_state, actor, by_subject, at)
SELECT gen_random_uuid(), org_id, id, version, 'change', state, state, 'worker', %(subject)s, %(at)s
  FROM peer_group WHERE id = %(id)s
"""
FIELDS = (
    "names", "capacity", "min_to_start", "waitlist_limit", "languages", "admission", "rolling_every", "place_public",
    "place_full", "successor_id", "co_orgs",
)  # fmt: skip


def change(work: Work, group_id: uuid.UUID, changes: dict[str, Any], *, subject: str) -> None:
    """Write what a group is to be from now on; what is not named stays."""
    values = {name: changes.get(name) for name in FIELDS}
    names = orjson.dumps(values["names"]).decode() if values["names"] is not None else None
    limited = "waitlist_limit" in changes
    until = {"until_named": "sign_up_until" in changes, "sign_up_until": changes.get("sign_up_until")}
    work.later(CHANGE, {**values, "names": names, "limited": limited, **until, "id": group_id})
    work.later(NOTE, {"id": group_id, "subject": subject, "at": work.now})


TOLD = "UPDATE peer_group SET accepting_told = %(accepting)s WHERE id = %(id)s"


def told(work: Work, group_id: uuid.UUID, *, accepting: bool) -> None:
    """Keep what the last event said."""
    work.later(TOLD, {"id": group_id, "accepting": accepting})


TO_TELL = "SELECT org_id, group_id FROM groups_to_tell(500)"


def to_tell(work: Work) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Groups whose page says otherwise than their last event."""
    return [(row["org_id"], row["group_id"]) for row in work.all(TO_TELL)]


GO_OVER = """
WITH gone AS (
    UPDATE sign_up SET group_id = %(target)s, queue_seq = %(queue_seq)s, contact_mac = %(contact_mac)s,
                       version = version + 1, changed_at = %(at)s
     WHERE id = %(id)s RETURNING id, org_id, version
), card AS (
    UPDATE return_card SET group_id = %(target)s WHERE sign_up_id = %(id)s
), noted AS (
    INSERT INTO history (id, org_id, group_id, sign_up_id, no, transition, from_state, to_state, actor, by_subject,
                         reason, at)
    SELECT gen_random_uuid(), org_id, %(target)s, id, version, 'transfer', 'waiting', 'waiting', %(actor)s,
           %(subject)s, %(reason)s, %(at)s FROM gone
), left_behind AS (
    UPDATE peer_group SET waiting = waiting - 1 WHERE id = %(source)s
)
UPDATE peer_group SET waiting = waiting + 1, queue_last = %(queue_seq)s WHERE id = %(target)s
"""


def go_over(
    work: Work, source: Group, target: Group, sign_up: SignUp, *, contact_mac: bytes | None, noted: Noted
) -> tuple[Group, Group, SignUp]:
    """Move a waiting man into the queue of another group that is locked too; his age goes with him."""
    seq = target.queue_last + 1
    values = {"id": sign_up.id, "source": source.id, "target": target.id, "queue_seq": seq, "at": work.now}
    values |= {"actor": noted.actor, "subject": noted.subject, "reason": noted.reason}
    work.later(GO_OVER, {**values, "contact_mac": contact_mac})
    gone = replace(
        sign_up, group_id=target.id, place=replace(sign_up.place, queue_seq=seq), version=sign_up.version + 1
    )
    left = replace(source, waiting=source.waiting - 1)
    return left, replace(target, waiting=target.waiting + 1, queue_last=seq), gone


DUPLICATE = """
WITH made AS (
    INSERT INTO peer_group (id, org_id, programme_id, state, names, country, areas, languages, mode, admission,
                            rolling_every, capacity, min_to_start, waitlist_limit, queue_at, place_public, place_full,
                            start_on, local_start, tz, minutes, sessions, co_orgs, version, created_at)
    SELECT %(id)s, org_id, programme_id, 'draft', names, country, areas, languages, mode, admission, rolling_every,
           capacity, min_to_start, waitlist_limit, %(at)s, place_public, place_full, %(start_on)s, local_start, tz,
           minutes, sessions, co_orgs, 1, %(at)s FROM peer_group WHERE id = %(source)s
    RETURNING id, org_id
), led AS (
    INSERT INTO leader_assignment (id, org_id, group_id, subject, alias, role, from_at)
    SELECT gen_random_uuid(), made.org_id, made.id, l.subject, l.alias, l.role, %(at)s
      FROM made, leader_assignment AS l WHERE l.group_id = %(source)s AND l.to_at IS NULL AND l.role <> 'substitute'
)
INSERT INTO history (id, org_id, group_id, no, transition, to_state, actor, by_subject, at)
SELECT gen_random_uuid(), org_id, id, 1, 'duplicate', 'draft', 'worker', %(subject)s, %(at)s FROM made
"""
DUPLICATE_QUOTAS = """
INSERT INTO delegation_quota (group_id, delegation, seats, org_id)
SELECT %(id)s, delegation, seats, org_id FROM delegation_quota WHERE group_id = %(source)s
"""


def duplicate(work: Work, source: uuid.UUID, group_id: uuid.UUID, *, start_on: dt.date | None, subject: str) -> None:
    """Write a draft that is as the group is, with its leaders and without its men, meetings and substitutes."""
    values = {"id": group_id, "source": source, "start_on": start_on, "subject": subject, "at": work.now}
    work.later(DUPLICATE, values)
    work.later(DUPLICATE_QUOTAS, {"id": group_id, "source": source}, expect=None)
