"""Rows of groups that are made, locked and opened."""

from __future__ import annotations

import uuid
from typing import Any

import orjson
import psycopg

from chassis.db import Work
from chassis.errors import Conflict, NotFound

ADD_GROUP = """
WITH made AS (
    INSERT INTO peer_group (id, org_id, programme_id, state, names, country, areas, languages, mode, admission,
                            rolling_every, capacity, min_to_start, waitlist_limit, queue_at, place_public, place_full,
                            start_on, local_start, tz, minutes, sessions, co_orgs, sign_up_until, version,
                            created_at)
    VALUES (%(id)s, %(org_id)s, %(programme_id)s, 'draft', %(names)s::json,
            coalesce(%(country)s, (SELECT country FROM partner WHERE org_id = %(org_id)s)), %(areas)s, %(languages)s,
            %(mode)s, %(admission)s, %(rolling_every)s, %(capacity)s, %(min_to_start)s, %(waitlist_limit)s, %(at)s,
            %(place_public)s, %(place_full)s, %(start_on)s, %(local_start)s::time, %(tz)s, %(minutes)s, %(sessions)s,
            %(co_orgs)s, %(sign_up_until)s, 1, %(at)s)
    RETURNING id, org_id
), led AS (
    INSERT INTO leader_assignment (id, org_id, group_id, subject, alias, role, from_at)
    SELECT gen_random_uuid(), made.org_id, made.id, l.subject, l.alias, l.role, %(at)s
      FROM made, unnest(%(subjects)s::text[], %(aliases)s::text[], %(roles)s::text[]) AS l (subject, alias, role)
)
INSERT INTO history (id, org_id, group_id, no, transition, to_state, actor, by_subject, at)
SELECT gen_random_uuid(), org_id, id, 1, 'create', 'draft', 'worker', %(subject)s, %(at)s FROM made
"""


def add_group(work: Work, row: dict[str, Any], leaders: list[dict[str, Any]]) -> None:
    """Write a draft with its leaders. Raises Conflict when one leader is named twice."""
    columns = {
        "subjects": [leader["subject"] for leader in leaders],
        "aliases": [leader["alias"] for leader in leaders],
        "roles": [leader["role"] for leader in leaders],
    }
    try:
        work.run(ADD_GROUP, {**row, **columns, "names": _json(row["names"]), "at": work.now})
    except psycopg.errors.UniqueViolation as error:
        raise Conflict("group.leader_twice", "A leader can be named only once in a group.") from error


LOCK_DRAFT = """
SELECT g.id, g.org_id, g.state, g.version, g.names, g.areas, g.languages, g.mode, g.capacity, g.start_on, g.admission,
       g.held, g.waiting, g.waitlist_limit,
       window_open(g.state, g.admission, g.id, g.rolling_every) AS window_open,
       signing_up(g.sign_up_until, g.tz) AS signing_up,
       g.min_to_start, g.successor_id, g.programme_id,
       g.local_start IS NOT NULL AND g.start_on IS NOT NULL AND g.tz IS NOT NULL AS scheduled,
       g.place_public IS NOT NULL OR g.mode = 'remote' AS placed, p.key AS programme_key, p.kind, p.retention_days,
       (SELECT count(*) FROM leader_assignment AS l WHERE l.group_id = g.id AND l.to_at IS NULL) AS leaders
  FROM peer_group AS g JOIN programme AS p ON p.id = g.programme_id WHERE g.id = %s FOR UPDATE OF g
"""


def lock_for_opening(work: Work, group_id: uuid.UUID) -> dict[str, Any]:
    """The acting organisation's group under its lock, with all that its opening depends on. Raises NotFound."""
    row = work.one(LOCK_DRAFT, (group_id,))
    if row is None:
        raise NotFound
    return row


MOVE_GROUP = """
WITH moved AS (
    UPDATE peer_group SET state = %(state)s, version = version + 1, opened_at = coalesce(opened_at, %(at)s)
     WHERE id = %(id)s RETURNING id, org_id, version
)
INSERT INTO history (id, org_id, group_id, no, transition, from_state, to_state, actor, by_subject, reason, at)
SELECT gen_random_uuid(), org_id, id, version, %(transition)s, %(before)s, %(state)s, 'worker', %(subject)s,
       %(reason)s, %(at)s FROM moved
"""


def move_group(
    work: Work, group: dict[str, Any], *, transition: str, state: str, subject: str | None, reason: str | None = None
) -> None:
    """Set the group's state and note it."""
    values = {"id": group["id"], "before": group["state"], "transition": transition, "state": state}
    work.run(MOVE_GROUP, {**values, "subject": subject, "reason": reason, "at": work.now})


LEADS = """
SELECT 1 AS one FROM leader_assignment
 WHERE group_id = %(group)s AND subject = %(subject)s AND from_at <= %(at)s AND (to_at IS NULL OR to_at > %(at)s)
"""


def leads(work: Work, group_id: uuid.UUID, subject: str) -> bool:
    """Whether this person leads the group now."""
    return work.one(LEADS, {"group": group_id, "subject": subject, "at": work.now}) is not None


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
