"""Rows of the reports on the network."""

from __future__ import annotations

from typing import Any

from chassis.db import Work
from chassis.errors import NotFound
from services.directory.rules.codes import fallback_name

# A page often gives a year or a month only: such a date holds from the first and until the last of its days.
MEMBERS = """
SELECT o.key AS organisation, n.key AS network, m.started, m.ended, m.role
  FROM membership AS m JOIN organisation AS o ON o.id = m.organisation_id JOIN organisation AS n ON n.id = m.network_id
 WHERE o.status = 'active' AND n.status = 'active' AND (%(network)s::text IS NULL OR n.key = %(network)s)
   AND (%(on)s::text IS NULL OR (coalesce(m.started, '') <= %(on)s
        AND (m.ended IS NULL OR m.ended >= left(%(on)s, length(m.ended)))))
 ORDER BY n.key, o.key, m.started
"""
REPORT = """
SELECT i.id, i.key, i.names, i.started, i.ended, i.year, i.programme, i.approved_by, i.approved_on, i.reported_on,
       i.activities, i.results, i.outputs, i.next_step, i.lithuanian_partner,
       ARRAY(SELECT jsonb_build_object('role', p.role, 'organisation', o.key) FROM initiative_organisation AS p
               JOIN organisation AS o ON o.id = p.organisation_id WHERE p.initiative_id = i.id
              ORDER BY p.role, p.place) AS parties
  FROM initiative AS i WHERE i.key = %s
"""
# What can be counted is counted: from the partners of the initiative and from what the directory has of them.
COUNTED = """
WITH partner AS (SELECT DISTINCT organisation_id AS id FROM initiative_organisation
                  WHERE initiative_id = %(id)s AND role = 'partner')
SELECT n.name, n.unit, n.planned, n.reached, n.impact, n.evidence, n.started, n.ended, n.source,
       CASE n.source
           WHEN 'partners' THEN (SELECT count(*) FROM partner)
           WHEN 'services' THEN (SELECT count(*) FROM service AS s
                                  WHERE s.organisation_id IN (SELECT id FROM partner) AND s.status = 'published')
           WHEN 'licensed_municipalities' THEN (
               SELECT count(DISTINCT area) FROM licence AS l JOIN service AS s ON s.id = l.programme_id,
                      unnest(l.municipalities) AS area WHERE s.organisation_id IN (SELECT id FROM partner))
           WHEN 'facilitators' THEN (SELECT count(DISTINCT (f.organisation_id, f.code)) FROM facilitator AS f
                                      WHERE f.organisation_id IN (SELECT id FROM partner))
           WHEN 'network_members' THEN (SELECT count(DISTINCT m.organisation_id) FROM membership AS m
                                         WHERE m.network_id IN (SELECT id FROM partner) AND m.ended IS NULL)
       END::integer AS counted
  FROM indicator AS n WHERE n.initiative_id = %(id)s ORDER BY n.name
"""
LICENCES_OF = """
SELECT s.key AS programme, w.key AS contact, o.key AS by, l.municipalities, l.note
  FROM licence AS l JOIN service AS s ON s.id = l.programme_id JOIN organisation AS w ON w.id = s.organisation_id
  LEFT JOIN organisation AS o ON o.id = l.by_id
 WHERE w.status = 'active' AND coalesce(o.status, 'active') = 'active'
   AND (%(places)s::text[] IS NULL OR EXISTS (
           SELECT FROM unnest(l.municipalities) AS area
            WHERE (%(countries)s::text[] IS NULL OR split_part(area, ':', 1) = ANY(%(countries)s))
              AND folded(split_part(area, ':', 2)) = ANY(%(places)s)))
 ORDER BY s.key, o.key
"""
FACILITATORS = """
SELECT f.code, o.key AS organisation, s.key AS programme, f.training, f.started, f.ended
  FROM facilitator AS f JOIN organisation AS o ON o.id = f.organisation_id JOIN service AS s ON s.id = f.programme_id
 WHERE o.status = 'active' AND (%(programme)s::text IS NULL OR s.key = %(programme)s)
   AND (%(on)s::date IS NULL
        OR %(on)s BETWEEN coalesce(f.started, '-infinity') AND coalesce(f.ended, 'infinity'))
 ORDER BY s.key, o.key, f.code
"""


def members(work: Work, query: dict[str, Any]) -> list[dict[str, Any]]:
    """Who is in which network, on a day where one is asked for."""
    day = query["on"].isoformat() if query["on"] else None
    return work.all(MEMBERS, {"network": query["network"], "on": day})


def initiative(work: Work, key: str) -> dict[str, Any]:
    """One initiative with its indicators, counted where there is a source. Raises NotFound."""
    row = work.one(REPORT, (key,))
    if row is None:
        raise NotFound
    indicators = [{**each, "initiative": key} for each in work.all(COUNTED, {"id": row["id"]})]
    return {**row, "name": fallback_name(row["names"]) or row["key"], "indicators": indicators}


def licences(work: Work, placed: dict[str, Any]) -> list[dict[str, Any]]:
    """Licences of programmes, at a place where one is asked for; the contact is the programme's own organisation."""
    return work.all(LICENCES_OF, {"countries": placed["countries"], "places": placed["places"]})


def facilitators(work: Work, query: dict[str, Any]) -> list[dict[str, Any]]:
    """Trained facilitators by their codes."""
    return work.all(FACILITATORS, {"programme": query["programme"], "on": query["on"]})
