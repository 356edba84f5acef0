"""Programmes and groups as they are shown: the public pages, and the organisation's own."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, LiteralString

from chassis.db import Work
from services.groups.rules.grouping import GROUP_LIFECYCLE, accepting
from services.groups.rules.season import choice_due

PROGRAMME_COLUMNS: LiteralString = """
SELECT p.id, p.key, p.kind, p.names, p.mandated, p.intake, p.partner_step, p.retention_days, p.consents,
       p.individual_meetings, p.mandated_share, p.funder, p.completion, p.absences, p.min_age, p.max_age,
       p.several_seats, p.licence_of, p.version, p.created_at,
       ARRAY(SELECT o.key FROM partner AS o WHERE o.org_id = ANY (p.licensed_orgs) ORDER BY o.key) AS licensed_orgs
  FROM programme AS p
"""
PROGRAMMES = (
    PROGRAMME_COLUMNS
    + """
 WHERE (%(at)s::timestamptz IS NULL OR (p.created_at, p.id) < (%(at)s, %(after)s::uuid))
 ORDER BY p.created_at DESC, p.id DESC LIMIT %(limit)s
"""
)
PROGRAMME = PROGRAMME_COLUMNS + " WHERE p.id = %s"


def programmes(work: Work, *, after: tuple[Any, Any], limit: int) -> list[dict[str, Any]]:
    """The acting organisation's programmes, newest first."""
    return work.all(PROGRAMMES, {"at": after[0], "after": after[1], "limit": limit})


def programme(work: Work, programme_id: uuid.UUID) -> dict[str, Any] | None:
    """One programme of the acting organisation."""
    return work.one(PROGRAMME, (programme_id,))


# Groups of an organisation that takes no part in the network are nobody's to find; its men keep their cards.
PUBLIC_LIST = """
SELECT * FROM public_group WHERE (state = 'open' OR (state = 'running' AND admission <> 'closed'))
   AND org_id NOT IN (SELECT p.org_id FROM partner AS p WHERE p.status <> 'active')
   AND (%(country)s::text IS NULL OR country = %(country)s) AND (%(kind)s::text IS NULL OR kind = %(kind)s)
   AND (%(language)s::text IS NULL OR %(language)s = ANY (languages))
   AND (%(area)s::text IS NULL OR %(area)s = ANY (areas))
   AND (%(at)s::timestamptz IS NULL OR (opened_at, id) < (%(at)s, %(after)s::uuid))
 ORDER BY opened_at DESC, id DESC LIMIT %(limit)s
"""
PUBLIC_ONE = """
SELECT * FROM public_group
 WHERE id = %s AND org_id NOT IN (SELECT p.org_id FROM partner AS p WHERE p.status <> 'active')
"""


def public_groups(work: Work, filters: dict[str, Any], *, after: tuple[Any, Any], limit: int) -> list[dict[str, Any]]:
    """Open groups that anybody may know of, newest first."""
    values = {name: filters[name] for name in ("country", "language", "area", "kind")}
    rows = work.all(PUBLIC_LIST, {**values, "at": after[0], "after": after[1], "limit": limit})
    return [_shown(row) for row in rows]


def public_group(work: Work, group_id: uuid.UUID) -> dict[str, Any] | None:
    """The public page of one group."""
    row = work.one(PUBLIC_ONE, (group_id,))
    return _shown(row) if row else None


OWN: LiteralString = """
SELECT g.*, o.key AS org_key, p.key AS programme_key, p.names AS programme_names, p.kind, p.intake,
       p.min_age, p.max_age, (g.start_on + g.local_start) AT TIME ZONE g.tz AS starts_at,
       window_open(g.state, g.admission, g.id, g.rolling_every) AS window_open,
       signing_up(g.sign_up_until, g.tz) AS signing_up,
       CASE WHEN g.state = 'running' AND g.admission = 'rolling' THEN next_joining(g.id, g.rolling_every, now()) END
           AS joins_at,
       (SELECT coalesce(json_agg(json_build_object('id', c.org_id, 'key', c.key) ORDER BY c.key), '[]'::json)
          FROM partner AS c WHERE c.org_id = ANY (g.co_orgs)) AS co_organisers,
       (SELECT coalesce(json_agg(json_build_object('delegation', q.delegation, 'seats', q.seats)
                                 ORDER BY q.delegation), '[]'::json)
          FROM delegation_quota AS q WHERE q.group_id = g.id) AS quotas
  FROM peer_group AS g JOIN programme AS p ON p.id = g.programme_id LEFT JOIN partner AS o ON o.org_id = g.org_id
"""
OWN_ONE = OWN + " WHERE g.id = %s"
MINE = (
    OWN  # noqa: S608 - both parts are constants
    + """
 WHERE (%(subject)s::text IS NULL OR EXISTS (
            SELECT 1 FROM leader_assignment AS l WHERE l.group_id = g.id AND l.subject = %(subject)s
               AND l.from_at <= %(now)s AND (l.to_at IS NULL OR l.to_at > %(now)s)))
   AND (%(at)s::timestamptz IS NULL OR (g.created_at, g.id) < (%(at)s, %(after)s::uuid))
 ORDER BY g.created_at DESC, g.id DESC LIMIT %(limit)s
"""
)
LEADERS = """
SELECT group_id, subject, alias, role FROM leader_assignment
 WHERE group_id = ANY(%(groups)s) AND from_at <= %(now)s AND (to_at IS NULL OR to_at > %(now)s)
 ORDER BY from_at, role DESC, subject
"""


def own_group(work: Work, group_id: uuid.UUID) -> dict[str, Any] | None:
    """A group of the acting organisation with all that its workers may see; None when it is not its own."""
    row = work.one(OWN_ONE, (group_id,))
    return _inner(work, [row])[0] if row else None


def my_groups(work: Work, subject: str | None, *, after: tuple[Any, Any], limit: int) -> list[dict[str, Any]]:
    """The groups that a person leads now, or with None all of the acting organisation, newest first."""
    values = {"subject": subject, "now": work.now, "at": after[0], "after": after[1], "limit": limit}
    return _inner(work, work.all(MINE, values))


def _inner(work: Work, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    values = {"groups": [row["id"] for row in rows], "now": work.now}
    leaders: dict[uuid.UUID, list[dict[str, Any]]] = {}
    for each in work.all(LEADERS, values) if rows else ():
        leaders.setdefault(each.pop("group_id"), []).append(each)
    return [_with_inner(row, leaders.get(row["id"], []), now=work.now) for row in rows]


def _with_inner(row: dict[str, Any], leaders: list[dict[str, Any]], *, now: dt.datetime) -> dict[str, Any]:
    row["accepting"] = accepting(row)
    row["seat_at_once"] = row["accepting"] and row["waiting"] == 0 and row["held"] < row["capacity"]
    due = choice_due(
        state=row["state"],
        held=row["held"],
        min_to_start=row["min_to_start"],
        starts_at=row["starts_at"],
        now=now,
    )
    return {
        **_shown(row),
        **{name: row[name] for name in INNER},
        "leaders": leaders,
        "choice_due": due,
        "allowed_actions": [edge.name for edge in GROUP_LIFECYCLE if edge.source == row["state"]],
    }


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    schedule = None
    if row["start_on"] is not None:
        schedule = {name: row[name] for name in ("start_on", "tz", "minutes", "sessions")}
        schedule["local_start"] = row["local_start"].strftime("%H:%M")
    programme_line = {name: row[f"programme_{name}"] for name in ("key", "names")}
    return {
        **{name: row[name] for name in PUBLIC},
        "organisation": {"id": row["org_id"], "key": row["org_key"]},
        "programme": {**programme_line, **{name: row[name] for name in ("kind", "intake", "min_age", "max_age")}},
        "schedule": schedule,
    }


INNER = ("held", "waiting", "min_to_start", "waitlist_limit", "place_full", "successor_id", "created_at")
PUBLIC = (
    "id",
    "names",
    "state",
    "country",
    "areas",
    "languages",
    "mode",
    "admission",
    "rolling_every",
    "joins_at",
    "quotas",
    "co_organisers",
    "sign_up_until",
    "capacity",
    "accepting",
    "seat_at_once",
    "place_public",
    "version",
    "opened_at",
)
