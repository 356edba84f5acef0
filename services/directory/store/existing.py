"""The rows of the directory in the very shape that a file's rows are read into, so that both can be compared.

Rows are asked for by their marks (rules/crossing.py); each has `listed`: whether everybody may know of it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, LiteralString

from chassis.db import Work

# One writer of many rows at a time: the second one compares with what the first one has written.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('directory.import', 0))"


def lock(work: Work) -> None:
    """Wait until no other import is running."""
    work.one(LOCK)


ORGANISATIONS = """
SELECT o.key AS mark, o.key, o.type, o.country, o.seat, o.founded, p.key AS parent, o.names, o.descriptions, o.website,
       o.email, o.phones, o.contacts, o.identifiers, o.funding, o.programs, o.visibility, o.status,
       o.status = 'active' AS listed
  FROM organisation AS o LEFT JOIN organisation AS p ON p.id = o.parent_id
 WHERE o.key = ANY(%(marks)s) ORDER BY o.key FOR UPDATE OF o
"""
LOCATIONS = """
SELECT l.key AS mark, l.key, o.key AS organisation, l.kind, l.country, l.county, l.municipality, l.city, l.address_1,
       l.address_2, l.postal_code, l.latitude, l.longitude, l.withheld, l.url, l.names, l.descriptions, l.transport,
       l.accessibility, l.languages, l.phones, l.schedules, l.visibility, l.status,
       o.status = 'active' AND l.status = 'published' AS listed
  FROM location AS l JOIN organisation AS o ON o.id = l.organisation_id
 WHERE l.key = ANY(%(marks)s) ORDER BY l.key FOR UPDATE OF l
"""
SERVICES = """
SELECT s.key AS mark, s.key, o.key AS organisation, s.kind, s.channels, s.languages, s.coverage::text[] AS coverage,
       s.names, s.about, s.started, s.descriptions, s.program, s.url, s.email, s.needs, s.eligibility, s.referral,
       s.phones, s.contacts, s.schedules, s.costs, s.documents, s.funding, s.alert, s.visibility, s.accepting,
       s.accepting_source, s.urgencies, s.status,
       ARRAY(SELECT w.key::text FROM service_partner AS p JOIN organisation AS w ON w.id = p.organisation_id
              WHERE p.service_id = s.id ORDER BY p.place) AS partners,
       ARRAY(SELECT l.key::text FROM service_location AS p JOIN location AS l ON l.id = p.location_id
              WHERE p.service_id = s.id ORDER BY p.place) AS locations,
       o.status = 'active' AND s.status <> 'removed' AS listed
  FROM service AS s JOIN organisation AS o ON o.id = s.organisation_id
 WHERE s.key = ANY(%(marks)s) ORDER BY s.key FOR UPDATE OF s
"""
MEMBERSHIPS = """
SELECT * FROM (
    SELECT o.key || '|' || n.key || '|' || coalesce(m.started, '') AS mark, o.key AS organisation, n.key AS network,
           m.started, m.ended, m.role, o.status = 'active' AND n.status = 'active' AS listed
      FROM membership AS m JOIN organisation AS o ON o.id = m.organisation_id
      JOIN organisation AS n ON n.id = m.network_id) AS marked
 WHERE mark = ANY(%(marks)s) ORDER BY mark
"""
INITIATIVES = """
SELECT i.key AS mark, i.key, i.names, i.started, i.ended, i.year, i.programme, i.approved_by, i.approved_on,
       i.reported_on, i.activities, i.results, i.outputs, i.next_step, i.lithuanian_partner, true AS listed,
       coalesce(jsonb_object_agg(l.role, l.keys) FILTER (WHERE l.role IS NOT NULL), '{}') AS linked
  FROM initiative AS i
  LEFT JOIN (SELECT p.initiative_id, p.role, array_agg(o.key::text ORDER BY p.place) AS keys
               FROM initiative_organisation AS p JOIN organisation AS o ON o.id = p.organisation_id
              GROUP BY p.initiative_id, p.role) AS l ON l.initiative_id = i.id
 WHERE i.key = ANY(%(marks)s)
 GROUP BY i.id ORDER BY i.key
"""
INDICATORS = """
SELECT * FROM (
    SELECT i.key || '|' || n.name AS mark, i.key AS initiative, n.name, n.unit, n.planned, n.reached, n.impact,
           n.evidence, n.started, n.ended, n.source, true AS listed
      FROM indicator AS n JOIN initiative AS i ON i.id = n.initiative_id) AS marked
 WHERE mark = ANY(%(marks)s) ORDER BY mark
"""
LICENCES = """
SELECT * FROM (
    SELECT s.key || '|' || coalesce(o.key, '') AS mark, s.key AS programme, o.key AS by,
           l.municipalities::text[] AS municipalities, l.note,
           w.status = 'active' AND s.status <> 'removed' AND coalesce(o.status, 'active') = 'active' AS listed
      FROM licence AS l JOIN service AS s ON s.id = l.programme_id JOIN organisation AS w ON w.id = s.organisation_id
      LEFT JOIN organisation AS o ON o.id = l.by_id) AS marked
 WHERE mark = ANY(%(marks)s) ORDER BY mark
"""
FACILITATORS = """
SELECT * FROM (
    SELECT o.key || '|' || f.code || '|' || s.key AS mark, f.code, o.key AS organisation, s.key AS programme,
           f.training, f.started::text AS started, f.ended::text AS ended,
           o.status = 'active' AND s.status <> 'removed' AS listed
      FROM facilitator AS f JOIN organisation AS o ON o.id = f.organisation_id
      JOIN service AS s ON s.id = f.programme_id) AS marked
 WHERE mark = ANY(%(marks)s) ORDER BY mark
"""
NETWORK_FACTS = """
SELECT * FROM (SELECT coalesce(country, '') || '|' || fact AS mark, country, fact, as_of, true AS listed
                 FROM network_fact) AS marked
 WHERE mark = ANY(%(marks)s) ORDER BY mark
"""

SINGLE_ROLES = ("administrator", "funder")
LISTED_ROLES = ("initiator", "partner", "seminar_organiser", "visited")
QUERIES: dict[str, LiteralString] = {
    "organisations": ORGANISATIONS,
    "locations": LOCATIONS,
    "services": SERVICES,
    "memberships": MEMBERSHIPS,
    "initiatives": INITIATIVES,
    "indicators": INDICATORS,
    "licences": LICENCES,
    "facilitators": FACILITATORS,
    "network_facts": NETWORK_FACTS,
}


def rows(work: Work, section: str, marks: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The rows with these marks; organisations, places and services are locked until the transaction ends."""
    found = work.all(QUERIES[section], {"marks": list(marks)}) if marks else []
    return {row.pop("mark"): _unlinked(row) if section == "initiatives" else row for row in found}


def _unlinked(row: dict[str, Any]) -> dict[str, Any]:
    linked = row.pop("linked")
    single = {role: linked.get(role, [None])[0] for role in SINGLE_ROLES}
    return {**row, **single, **{role: linked.get(role, []) for role in LISTED_ROLES}}


# Every mark that hangs on an organisation, by section: what has to be looked at again when it goes or comes back.
MARKS_OF = """
SELECT 'organisations' AS section, key::text AS mark FROM organisation WHERE id = %(id)s
UNION ALL SELECT 'locations', key FROM location WHERE organisation_id = %(id)s
UNION ALL SELECT 'services', key FROM service WHERE organisation_id = %(id)s
UNION ALL SELECT 'memberships', o.key || '|' || n.key || '|' || coalesce(m.started, '')
  FROM membership AS m JOIN organisation AS o ON o.id = m.organisation_id JOIN organisation AS n ON n.id = m.network_id
 WHERE %(id)s IN (m.organisation_id, m.network_id)
UNION ALL SELECT 'licences', s.key || '|' || coalesce(o.key, '')
  FROM licence AS l JOIN service AS s ON s.id = l.programme_id LEFT JOIN organisation AS o ON o.id = l.by_id
 WHERE %(id)s IN (s.organisation_id, l.by_id)
UNION ALL SELECT 'facilitators', o.key || '|' || f.code || '|' || s.key
  FROM facilitator AS f JOIN organisation AS o ON o.id = f.organisation_id JOIN service AS s ON s.id = f.programme_id
 WHERE %(id)s IN (f.organisation_id, s.organisation_id)
"""


# Rows that were there before the feed was: the first start after an update tells them.
UNTOLD = """
SELECT section, mark FROM (
    SELECT 'organisations' AS section, key::text AS mark FROM organisation WHERE status = 'active'
    UNION ALL SELECT 'locations', l.key FROM location AS l JOIN organisation AS o ON o.id = l.organisation_id
     WHERE l.status = 'published' AND o.status = 'active'
    UNION ALL SELECT 'services', s.key FROM service AS s JOIN organisation AS o ON o.id = s.organisation_id
     WHERE s.status <> 'removed' AND o.status = 'active'
    UNION ALL SELECT 'memberships', o.key || '|' || n.key || '|' || coalesce(m.started, '')
      FROM membership AS m JOIN organisation AS o ON o.id = m.organisation_id
      JOIN organisation AS n ON n.id = m.network_id WHERE o.status = 'active' AND n.status = 'active'
    UNION ALL SELECT 'initiatives', key FROM initiative
    UNION ALL SELECT 'indicators', i.key || '|' || n.name
      FROM indicator AS n JOIN initiative AS i ON i.id = n.initiative_id
    UNION ALL SELECT 'licences', s.key || '|' || coalesce(o.key, '')
      FROM licence AS l JOIN service AS s ON s.id = l.programme_id JOIN organisation AS w ON w.id = s.organisation_id
      LEFT JOIN organisation AS o ON o.id = l.by_id
     WHERE w.status = 'active' AND s.status <> 'removed' AND coalesce(o.status, 'active') = 'active'
    UNION ALL SELECT 'network_facts', coalesce(country, '') || '|' || fact FROM network_fact
) AS present
 WHERE NOT EXISTS (SELECT FROM public_record AS r WHERE r.section = present.section AND r.mark = present.mark)
 ORDER BY section, mark LIMIT 1000
"""


def untold(work: Work) -> dict[str, list[str]]:
    """Marks by section that everybody may know of and that the feed has never told, a thousand at most."""
    found: dict[str, list[str]] = {}
    for row in work.all(UNTOLD):
        found.setdefault(row["section"], []).append(row["mark"])
    return found


def marks_of(work: Work, organisation_id: Any) -> dict[str, list[str]]:
    """The marks of all that hangs on an organisation, itself first, by section."""
    found: dict[str, list[str]] = {}
    for row in work.all(MARKS_OF, {"id": organisation_id}):
        found.setdefault(row["section"], []).append(row["mark"])
    return found


VERSION = """
SELECT version FROM organisation WHERE %(section)s = 'organisations' AND key = %(mark)s
UNION ALL SELECT version FROM location WHERE %(section)s = 'locations' AND key = %(mark)s
UNION ALL SELECT version FROM service WHERE %(section)s = 'services' AND key = %(mark)s
"""


def version(work: Work, section: str, mark: str) -> int:
    """The version of an organisation, a place or a service; 0 when there is none."""
    row = work.one(VERSION, {"section": section, "mark": mark})
    return row["version"] if row else 0


JOINING = "SELECT key FROM organisation WHERE key = ANY(%s) AND status = 'joining'"


def joining(work: Work, keys: Collection[str]) -> set[str]:
    """Those of these organisations that are joining: nobody is told of them."""
    return {row["key"] for row in work.all(JOINING, (list(keys),))} if keys else set()
