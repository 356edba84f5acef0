"""The rows of the directory in the very shape that a file's rows are read into, so that both can be compared."""

from __future__ import annotations

from typing import Any, LiteralString

from chassis.db import Work

# One import at a time: the second one compares with what the first one has written.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('directory.import', 0))"


def lock(work: Work) -> None:
    """Wait until no other import is running."""
    work.one(LOCK)


ORGANISATIONS = """
SELECT o.key, o.type, o.country, o.seat, o.founded, p.key AS parent, o.names, o.status
  FROM organisation AS o LEFT JOIN organisation AS p ON p.id = o.parent_id ORDER BY o.key FOR UPDATE OF o
"""
SERVICES = """
SELECT s.key, o.key AS organisation, s.kind, s.channels, s.languages, s.coverage::text[] AS coverage, s.names, s.about,
       s.started, s.accepting, s.accepting_source, s.urgencies, s.status,
       ARRAY(SELECT w.key::text FROM service_partner AS p JOIN organisation AS w ON w.id = p.organisation_id
              WHERE p.service_id = s.id ORDER BY p.place) AS partners
  FROM service AS s JOIN organisation AS o ON o.id = s.organisation_id ORDER BY s.key FOR UPDATE OF s
"""
MEMBERSHIPS = """
SELECT o.key AS organisation, n.key AS network, m.started, m.ended, m.role
  FROM membership AS m JOIN organisation AS o ON o.id = m.organisation_id JOIN organisation AS n ON n.id = m.network_id
"""
INITIATIVES = """
SELECT i.key, i.names, i.started, i.ended, i.year, i.programme, i.approved_by, i.approved_on, i.reported_on,
       i.activities, i.results, i.outputs, i.next_step, i.lithuanian_partner,
       coalesce(jsonb_object_agg(l.role, l.keys) FILTER (WHERE l.role IS NOT NULL), '{}') AS linked
  FROM initiative AS i
  LEFT JOIN (SELECT p.initiative_id, p.role, array_agg(o.key::text ORDER BY p.place) AS keys
               FROM initiative_organisation AS p JOIN organisation AS o ON o.id = p.organisation_id
              GROUP BY p.initiative_id, p.role) AS l ON l.initiative_id = i.id
 GROUP BY i.id
"""
INDICATORS = """
SELECT i.key AS initiative, n.name, n.unit, n.planned, n.reached, n.impact
  FROM indicator AS n JOIN initiative AS i ON i.id = n.initiative_id
"""
LICENCES = """
SELECT s.key AS programme, o.key AS by, l.municipalities::text[] AS municipalities, l.note
  FROM licence AS l JOIN service AS s ON s.id = l.programme_id LEFT JOIN organisation AS o ON o.id = l.by_id
"""
NETWORK_FACTS = "SELECT country, fact, as_of FROM network_fact"

SINGLE_ROLES = ("administrator", "funder")
LISTED_ROLES = ("initiator", "partner", "seminar_organiser", "visited")
QUERIES: dict[str, LiteralString] = {
    "organisations": ORGANISATIONS,
    "services": SERVICES,
    "memberships": MEMBERSHIPS,
    "initiatives": INITIATIVES,
    "indicators": INDICATORS,
    "licences": LICENCES,
    "network_facts": NETWORK_FACTS,
}


def rows(work: Work, section: str) -> list[dict[str, Any]]:
    """All rows of a section; organisations and services are locked until the end of the transaction."""
    found = work.all(QUERIES[section])
    return [_unlinked(row) for row in found] if section == "initiatives" else found


def _unlinked(row: dict[str, Any]) -> dict[str, Any]:
    linked = row.pop("linked")
    single = {role: linked.get(role, [None])[0] for role in SINGLE_ROLES}
    return {**row, **single, **{role: linked.get(role, []) for role in LISTED_ROLES}}


IDS = "SELECT key, id FROM organisation"


def organisation_ids(work: Work) -> dict[str, Any]:
    """The id of every organisation by its key."""
    return {row["key"]: row["id"] for row in work.all(IDS)}
