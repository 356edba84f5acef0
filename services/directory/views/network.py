"""Who works with whom, as public pages say it: memberships, initiatives, indicators, licences, facts."""

from __future__ import annotations

from typing import Any

from chassis.db import Work
from services.directory.rules.codes import fallback_name

MEMBERSHIPS = """
SELECT o.key AS organisation, n.key AS network, m.started, m.ended, m.role
  FROM membership AS m JOIN organisation AS o ON o.id = m.organisation_id JOIN organisation AS n ON n.id = m.network_id
 WHERE o.status = 'active' AND n.status = 'active' ORDER BY o.key, n.key, m.started
"""
INITIATIVES = """
SELECT i.key, i.names, i.started, i.ended, i.year, i.programme, i.approved_by, i.approved_on, i.reported_on,
       i.activities, i.results, i.outputs, i.next_step, i.lithuanian_partner,
       ARRAY(SELECT jsonb_build_object('role', p.role, 'organisation', o.key) FROM initiative_organisation AS p
               JOIN organisation AS o ON o.id = p.organisation_id WHERE p.initiative_id = i.id
              ORDER BY p.role, p.place) AS parties
  FROM initiative AS i ORDER BY i.key
"""
INDICATORS = """
SELECT i.key AS initiative, n.name, n.unit, n.planned, n.reached, n.impact
  FROM indicator AS n JOIN initiative AS i ON i.id = n.initiative_id ORDER BY i.key, n.name
"""
LICENCES = """
SELECT s.key AS programme, o.key AS by, l.municipalities, l.note
  FROM licence AS l JOIN service AS s ON s.id = l.programme_id JOIN organisation AS w ON w.id = s.organisation_id
  LEFT JOIN organisation AS o ON o.id = l.by_id
 WHERE w.status = 'active' AND coalesce(o.status, 'active') = 'active'
 ORDER BY s.key, o.key
"""
FACTS = "SELECT country, fact, as_of FROM network_fact ORDER BY country, fact"
SOURCES = "SELECT about FROM import_source ORDER BY first_at, about"


def network(work: Work) -> dict[str, Any]:
    """The value that NetworkView dumps."""
    return {
        "about": [row["about"] for row in work.all(SOURCES)],
        "memberships": work.all(MEMBERSHIPS),
        "initiatives": [{**row, "name": fallback_name(row["names"]) or row["key"]} for row in work.all(INITIATIVES)],
        "indicators": work.all(INDICATORS),
        "licences": work.all(LICENCES),
        "network_facts": work.all(FACTS),
    }
