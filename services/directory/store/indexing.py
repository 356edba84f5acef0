"""The tables that are searched, made from the others whenever a service or what it stands on changed."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import orjson

from chassis.db import Work

# The group of fields `referral` is searched only where it is for everybody: a hit would tell what it says.
SOURCES = """
SELECT s.id AS service_id, s.key, s.names, s.about, s.descriptions, s.kind, s.languages, s.needs, s.urgencies,
       s.channels, s.coverage::text[] AS coverage, s.eligibility, s.accepting, s.organisation_id, o.country,
       s.verified_at,
       o.names AS organisation_names, o.key AS organisation_key,
       o.status = 'active' AND s.status = 'published' AS listed,
       CASE WHEN coalesce(s.visibility->'referral', '"public"') = '"public"' THEN s.referral ELSE '{}' END AS referral,
       ARRAY(SELECT area FROM licence AS l, unnest(l.municipalities) AS area WHERE l.programme_id = s.id) AS licensed,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('programme', g.programme_key, 'kind', g.kind,
                                                     'languages', g.languages)), '[]')
          FROM peer_group AS g WHERE g.organisation_id = s.organisation_id AND g.accepting) AS groups
  FROM service AS s JOIN organisation AS o ON o.id = s.organisation_id
 WHERE s.id = ANY(%s)
"""
OF = """
SELECT id FROM service WHERE key = ANY(%(services)s)
UNION SELECT s.id FROM service AS s JOIN organisation AS o ON o.id = s.organisation_id
       WHERE o.key = ANY(%(organisations)s)
"""
OF_ORGANISATION = "SELECT id FROM service WHERE organisation_id = %s"


def services_of(work: Work, *, services: Sequence[str] = (), organisations: Sequence[str] = ()) -> list[uuid.UUID]:
    """The ids of services by their keys and by those of their organisations."""
    return [row["id"] for row in work.all(OF, {"services": list(services), "organisations": list(organisations)})]


def services_by(work: Work, organisation_id: uuid.UUID) -> list[uuid.UUID]:
    """The ids of the services of an organisation."""
    return [row["id"] for row in work.all(OF_ORGANISATION, (organisation_id,))]


def sources(work: Work, service_ids: Sequence[uuid.UUID]) -> list[dict[str, Any]]:
    """All that is searched of services, as it stands in the other tables."""
    return work.all(SOURCES, (list(service_ids),))


FORGET = "DELETE FROM service_search WHERE service_id = ANY(%s)"
FORGET_AREAS = "DELETE FROM service_area WHERE service_id = ANY(%s)"
KEEP = """
INSERT INTO service_search (service_id, key, listed, country, somewhere, remote, kind, languages, needs, urgencies,
                            may_refer, min_age, max_age, gender, order_accepted, accepting, fresh, names, about)
SELECT r.* FROM jsonb_to_recordset(%s::jsonb) AS r (service_id uuid, key text, listed boolean, country text,
           somewhere boolean, remote boolean, kind text, languages text[], needs text[], urgencies text[],
           may_refer text[], min_age integer, max_age integer, gender text, order_accepted boolean, accepting text,
           fresh smallint, names jsonb, about jsonb)
"""
KEEP_AREAS = """
INSERT INTO service_area (service_id, way, country, place, key, kind, standing)
SELECT r.*, c.key, c.kind, c.standing
  FROM jsonb_to_recordset(%s::jsonb) AS r (service_id uuid, way text, country text, place text)
  JOIN service_search AS c ON c.service_id = r.service_id
"""


def keep(work: Work, service_ids: Sequence[uuid.UUID], rows: list[dict[str, Any]], areas: list[dict[str, Any]]) -> None:
    """Replace what is searched of these services."""
    work.run(FORGET, (list(service_ids),), expect=None)
    work.run(FORGET_AREAS, (list(service_ids),), expect=None)
    work.run(KEEP, (orjson.dumps(rows).decode(),), expect=len(rows))
    work.run(KEEP_AREAS, (orjson.dumps(areas).decode(),), expect=len(areas))


# What was confirmed grows old by itself.
AGED = """
SELECT c.service_id FROM service_search AS c JOIN service AS s ON s.id = c.service_id
 WHERE c.fresh > 0 AND c.fresh > CASE
           WHEN s.verified_at > %(now)s - interval '90 days' THEN 3
           WHEN s.verified_at > %(now)s - interval '180 days' THEN 2
           WHEN s.verified_at > %(now)s - interval '365 days' THEN 1 ELSE 0 END
"""


def aged(work: Work) -> list[uuid.UUID]:
    """Services that are less fresh than what is searched says."""
    return [row["service_id"] for row in work.all(AGED, {"now": work.now})]


KEEP_GROUP = """
INSERT INTO peer_group AS g (id, organisation_id, programme_key, kind, areas, languages, mode, accepting, start_date,
                             version)
VALUES (%(id)s, %(organisation_id)s, %(programme_key)s, %(kind)s, %(area_codes)s, %(languages)s, %(mode)s,
        %(accepting)s, %(start_date)s, %(version)s)
ON CONFLICT (id) DO UPDATE SET programme_key = excluded.programme_key, kind = excluded.kind, areas = excluded.areas,
       languages = excluded.languages, mode = excluded.mode, accepting = excluded.accepting,
       start_date = excluded.start_date, version = excluded.version
 WHERE g.version <= excluded.version
"""


def keep_group(work: Work, group: dict[str, Any]) -> None:
    """Keep the local copy of a group; an older event changes nothing."""
    work.run(KEEP_GROUP, group, expect=None)


KEEP_RESPONSE = """
UPDATE service SET response_hours = %(hours)s, version = version + 1
 WHERE id = %(id)s AND response_hours IS DISTINCT FROM %(hours)s
RETURNING id, key, organisation_id, kind, accepting, urgencies, coverage::text[] AS coverage, status, names, stale,
          version
"""


def keep_response(work: Work, service_id: uuid.UUID, hours: int | None) -> dict[str, Any] | None:
    """Keep how many hours a service takes to answer, or that it is not known; returns the service if it changed."""
    return work.one(KEEP_RESPONSE, {"id": service_id, "hours": hours})
