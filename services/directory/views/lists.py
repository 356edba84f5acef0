"""Lists of organisations: filters, place with fallback to the country, ranking, keyset paging.

The fit is the best of its services (views/search.py); 5 too where its seat is.
"""

from __future__ import annotations

from typing import Any

from chassis.db import Work
from services.directory.views.single import organisation_shown

ORGANISATIONS = """
WITH asked AS (
    SELECT regexp_split_to_array(folded(%(search)s::text), '\\s+') AS words, %(places)s::text[] AS places,
           %(countries)s::text[] AS countries
), fitted AS (
    SELECT o.*, p.key AS parent_key, word_score(a.words, o.search) AS score,
           CASE WHEN a.countries IS NULL THEN NULL
                WHEN a.places IS NULL THEN CASE WHEN o.country = ANY(a.countries) THEN 2 END
                WHEN o.country = ANY(a.countries) AND folded(o.seat) = ANY(a.places) THEN 5
                ELSE (SELECT max(CASE WHEN v.place = ANY(a.places) THEN CASE v.way WHEN 'own' THEN 5 ELSE 4 END
                                      WHEN v.place = ANY(%(counties)s::text[]) THEN 3
                                      WHEN v.place IS NULL THEN 2 END)
                        FROM service AS s JOIN service_area AS v ON v.service_id = s.id
                       WHERE s.organisation_id = o.id AND s.status = 'published' AND v.way <> 'any'
                         AND v.country = ANY(a.countries))
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


def organisations(work: Work, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Active organisations; `asked` has search, countries, places, counties, kind, position (rank, key) and limit."""
    return [organisation_shown(row) for row in work.all(ORGANISATIONS, _parameters(asked))]


def _parameters(asked: dict[str, Any]) -> dict[str, Any]:
    rank, key = asked["position"]
    return {**asked, "after_rank": rank, "after_key": key}
