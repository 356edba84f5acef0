"""Programmes and groups as they are shown: the public pages, and the organisation's own."""

from __future__ import annotations

import uuid
from typing import Any

from chassis.db import Work
from services.groups.rules.grouping import GROUP_LIFECYCLE, accepting

PROGRAMMES = """
SELECT id, key, kind, names, mandated, intake, partner_step, retention_days, consents, individual_meetings,
       mandated_share, completion, absences, version, created_at FROM programme
 WHERE (%(at)s::timestamptz IS NULL OR (created_at, id) < (%(at)s, %(after)s::uuid))
 ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""
PROGRAMME = """
SELECT id, key, kind, names, mandated, intake, partner_step, retention_days, consents, individual_meetings,
       mandated_share, completion, absences, version FROM programme WHERE id = %s
"""


def programmes(work: Work, *, after: tuple[Any, Any], limit: int) -> list[dict[str, Any]]:
    """The acting organisation's programmes, newest first."""
    return work.all(PROGRAMMES, {"at": after[0], "after": after[1], "limit": limit})


def programme(work: Work, programme_id: uuid.UUID) -> dict[str, Any] | None:
    """One programme of the acting organisation."""
    return work.one(PROGRAMME, (programme_id,))


PUBLIC_LIST = """
SELECT * FROM public_group WHERE state = 'open'
   AND (%(country)s::text IS NULL OR country = %(country)s) AND (%(kind)s::text IS NULL OR kind = %(kind)s)
   AND (%(language)s::text IS NULL OR %(language)s = ANY (languages))
   AND (%(area)s::text IS NULL OR %(area)s = ANY (areas))
   AND (%(at)s::timestamptz IS NULL OR (opened_at, id) < (%(at)s, %(after)s::uuid))
 ORDER BY opened_at DESC, id DESC LIMIT %(limit)s
"""
PUBLIC_ONE = "SELECT * FROM public_group WHERE id = %s"


def public_groups(work: Work, filters: dict[str, Any], *, after: tuple[Any, Any], limit: int) -> list[dict[str, Any]]:
    """Open groups that anybody may know of, newest first."""
    values = {name: filters[name] for name in ("country", "language", "area", "kind")}
    rows = work.all(PUBLIC_LIST, {**values, "at": after[0], "after": after[1], "limit": limit})
    return [_shown(row) for row in rows]


def public_group(work: Work, group_id: uuid.UUID) -> dict[str, Any] | None:
    """The public page of one group."""
    row = work.one(PUBLIC_ONE, (group_id,))
    return _shown(row) if row else None


OWN = """
SELECT g.*, o.key AS org_key, p.key AS programme_key, p.names AS programme_names, p.kind, p.intake
  FROM peer_group AS g JOIN programme AS p ON p.id = g.programme_id LEFT JOIN partner AS o ON o.org_id = g.org_id
 WHERE g.id = %s
"""
LEADERS = """
SELECT subject, alias, role FROM leader_assignment WHERE group_id = %s AND to_at IS NULL
 ORDER BY from_at, role DESC, subject
"""


def own_group(work: Work, group_id: uuid.UUID) -> dict[str, Any] | None:
    """A group of the acting organisation with all that its workers may see; None when it is not its own."""
    row = work.one(OWN, (group_id,))
    if row is None:
        return None
    counts = {name: row[name] for name in ("state", "capacity", "held", "waiting", "waitlist_limit")}
    row["accepting"] = accepting(**counts)
    row["seat_at_once"] = row["state"] == "open" and row["waiting"] == 0 and row["held"] < row["capacity"]
    inner = {name: row[name] for name in ("held", "waiting", "min_to_start", "waitlist_limit", "place_full")}
    allowed = [edge.name for edge in GROUP_LIFECYCLE if edge.source == row["state"]]
    return {**_shown(row), **inner, "leaders": work.all(LEADERS, (group_id,)), "allowed_actions": allowed}


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    schedule = None
    if row["start_on"] is not None:
        schedule = {name: row[name] for name in ("start_on", "tz", "minutes", "sessions")}
        schedule["local_start"] = row["local_start"].strftime("%H:%M")
    programme_line = {name: row[f"programme_{name}"] for name in ("key", "names")}
    return {
        **{name: row[name] for name in PUBLIC},
        "organisation": {"id": row["org_id"], "key": row["org_key"]},
        "programme": {**programme_line, "kind": row["kind"], "intake": row["intake"]},
        "schedule": schedule,
    }


PUBLIC = (
    "id",
    "names",
    "state",
    "country",
    "areas",
    "languages",
    "mode",
    "admission",
    "capacity",
    "accepting",
    "seat_at_once",
    "place_public",
    "version",
    "opened_at",
)
