"""Lists of organisations and services: filters, place with fallback to the country, ranking, keyset paging.

The fit is 3 for the municipality itself, 2 for a licence there, 1 for the whole country, 0 where the area is unknown.
"""

from __future__ import annotations

from typing import Any

from chassis.db import Work
from services.directory.views.single import organisation_shown, service_shown

COUNTRIES_OF = """
SELECT country FROM served WHERE place = folded(%(place)s)
UNION SELECT country FROM organisation WHERE folded(seat) = folded(%(place)s) AND country IS NOT NULL ORDER BY country
"""


def countries_of(work: Work, place: str) -> list[str]:
    """The countries in which the directory knows a municipality of this name."""
    return [row["country"] for row in work.all(COUNTRIES_OF, {"place": place})]


ORGANISATIONS = """
WITH asked AS (
    SELECT regexp_split_to_array(folded(%(search)s::text), '\\s+') AS words, folded(%(place)s::text) AS place,
           %(countries)s::text[] AS countries
), fitted AS (
    SELECT o.*, p.key AS parent_key, word_score(a.words, o.search) AS score,
           CASE WHEN a.countries IS NULL THEN NULL
                WHEN a.place IS NULL THEN CASE WHEN o.country = ANY(a.countries) THEN 1 END
                WHEN o.country = ANY(a.countries) AND folded(o.seat) = a.place THEN 3
                ELSE (SELECT max(CASE WHEN v.place = a.place THEN CASE v.way WHEN 'own' THEN 3 ELSE 2 END
                                      WHEN v.place IS NULL THEN 1 END)
                        FROM service AS s JOIN served AS v ON v.service_id = s.id
                       WHERE s.organisation_id = o.id AND s.status = 'published' AND v.country = ANY(a.countries))
           END AS fit
      FROM asked AS a CROSS JOIN organisation AS o LEFT JOIN organisation AS p ON p.id = o.parent_id
     WHERE o.status = 'active'
       AND (%(kind)s::text IS NULL OR o.type = %(kind)s
            OR EXISTS (SELECT FROM service AS s
                        WHERE s.organisation_id = o.id AND s.kind = %(kind)s AND s.status = 'published'))
), ranked AS (
    SELECT f.*, (coalesce(f.fit, 0) * 10000 + coalesce(f.score, 0))::integer AS rank
      FROM fitted AS f CROSS JOIN asked AS a
     WHERE (a.words IS NULL OR f.score IS NOT NULL) AND (a.countries IS NULL OR f.fit IS NOT NULL)
)
SELECT id, key, type, country, seat, founded, names, status, version, changed_at, parent_id, parent_key, fit, rank
  FROM ranked
 WHERE %(after_rank)s::integer IS NULL OR rank < %(after_rank)s OR (rank = %(after_rank)s AND key > %(after_key)s)
 ORDER BY rank DESC, key LIMIT %(limit)s
"""
SERVICES = """
WITH asked AS (
    SELECT regexp_split_to_array(folded(%(search)s::text), '\\s+') AS words, folded(%(place)s::text) AS place,
           %(countries)s::text[] AS countries
), fitted AS (
    SELECT s.*, o.key AS organisation_key, word_score(a.words, s.search || ' ' || o.search) AS score,
           CASE WHEN a.countries IS NULL THEN NULL
                WHEN s.coverage = '{}' THEN CASE WHEN o.country = ANY(a.countries) THEN 0 END
                ELSE (SELECT max(CASE WHEN v.place = a.place THEN CASE v.way WHEN 'own' THEN 3 ELSE 2 END
                                      WHEN v.place IS NULL OR a.place IS NULL THEN 1 END)
                        FROM served AS v WHERE v.service_id = s.id AND v.country = ANY(a.countries))
           END AS fit
      FROM asked AS a CROSS JOIN service AS s JOIN organisation AS o ON o.id = s.organisation_id
     WHERE s.status = 'published' AND o.status = 'active'
       AND (%(kind)s::text IS NULL OR s.kind = %(kind)s)
       AND (%(accepting)s::text IS NULL OR s.accepting = %(accepting)s)
       AND (%(organisation)s::text IS NULL OR o.key = %(organisation)s OR o.id::text = lower(%(organisation)s))
       AND (%(language)s::text IS NULL OR s.languages = '{}' OR %(language)s = ANY(s.languages))
), ranked AS (
    SELECT f.*, CASE WHEN a.words IS NULL AND a.countries IS NULL THEN 0
                     ELSE coalesce(f.fit, 0) * 100000 + coalesce(f.score, 0) * 10
                          + array_position(ARRAY['closed', 'unknown', 'waiting', 'open'], f.accepting)
                END::integer AS rank
      FROM fitted AS f CROSS JOIN asked AS a
     WHERE (a.words IS NULL OR f.score IS NOT NULL) AND (a.countries IS NULL OR f.fit IS NOT NULL)
)
SELECT r.id, r.key, r.kind, r.channels, r.languages, r.coverage, r.names, r.about, r.started, r.accepting,
       r.accepting_source, r.urgencies, r.status, r.version, r.changed_at, r.organisation_id, r.organisation_key, r.fit,
       r.rank,
       ARRAY(SELECT jsonb_build_object('id', w.id, 'key', w.key) FROM service_partner AS p
               JOIN organisation AS w ON w.id = p.organisation_id WHERE p.service_id = r.id
              ORDER BY p.place) AS partners
  FROM ranked AS r
 WHERE %(after_rank)s::integer IS NULL OR rank < %(after_rank)s OR (rank = %(after_rank)s AND r.key > %(after_key)s)
 ORDER BY rank DESC, r.key LIMIT %(limit)s
"""


def organisations(work: Work, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Active organisations; `asked` has search, countries, place, kind, position (rank, key) and limit."""
    return [organisation_shown(row) for row in work.all(ORGANISATIONS, _parameters(asked))]


def services(work: Work, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Published services; `asked` has also organisation, language (unknown filters nothing out) and accepting."""
    return [service_shown(row) for row in work.all(SERVICES, _parameters(asked))]


def _parameters(asked: dict[str, Any]) -> dict[str, Any]:
    rank, key = asked["position"]
    return {**asked, "after_rank": rank, "after_key": key}
