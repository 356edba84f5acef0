"""Services that fit a place, read in the order of their rank by index: a page costs a page, however many fit.

The ways of fitting are asked one after the other, the best first, until a page is full: the place itself, a licence
there, its county, the country, then help from a distance. A service that fits better in another way is left to that
one, so that none comes twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, LiteralString, NamedTuple

from chassis.db import Work
from services.directory.views.narrowing import CONDITIONS, NAMES

OWN, LICENCE, COUNTY, COUNTRY, REMOTE, UNKNOWN = 5, 4, 3, 2, 1, 0
ANY = "any"
FIRST, ALL = 4, 2**31 - 1
"""How many pages of each place are looked at before all are: most questions leave enough of the first ones."""
STEP = 1_000_000
"""What a better fit is worth: more than any standing."""

# The first rows of each place by index alone, then what else is asked. Where a place has more, the last of its rows
# that was looked at is an edge: what ranks behind the highest edge may have missed somebody.
_NEARBY: LiteralString = """
WITH wanted AS (
    SELECT * FROM unnest(%(countries_of)s::text[], %(spots)s::text[], %(ways)s::text[]) WITH ORDINALITY
        AS t (country, spot, way, no)
), above AS (
    SELECT * FROM unnest(%(above_countries)s::text[], %(above_spots)s::text[], %(above_ways)s::text[])
        AS t (country, spot, way)
), first AS MATERIALIZED (
    SELECT t.no, f.service_id, f.standing, f.key FROM wanted AS t CROSS JOIN LATERAL ({source}) AS f
), edge AS (
    SELECT standing, key FROM (
        SELECT DISTINCT ON (no) standing, key, count(*) OVER (PARTITION BY no) AS count FROM first
         ORDER BY no, standing, key DESC) AS last
     WHERE count >= %(most)s ORDER BY standing DESC, key LIMIT 1
), fitting AS (
    SELECT c.service_id, c.key, c.standing
      FROM (SELECT DISTINCT service_id FROM first) AS f JOIN service_search AS c ON c.service_id = f.service_id
     WHERE {conditions}
       AND NOT EXISTS (SELECT FROM service_area AS b JOIN above USING (country, spot, way)
                        WHERE b.service_id = c.service_id)
     ORDER BY c.standing DESC, c.key LIMIT %(limit)s
)
SELECT f.service_id, f.key, f.standing, e.standing AS edge_standing, e.key AS edge_key
  FROM (VALUES (1)) AS one LEFT JOIN edge AS e ON true LEFT JOIN fitting AS f ON true
 ORDER BY f.standing DESC, f.key
"""
_PLACE: LiteralString = """
    SELECT a.service_id, a.standing, a.key FROM service_area AS a
     WHERE a.country = t.country AND a.spot = t.spot AND a.way = t.way {kind} {after}
     ORDER BY a.standing DESC, a.key LIMIT %(most)s
"""
# From a distance: `spot` says whether it is remote help, else where it works is not known.
_DISTANCE: LiteralString = """
    SELECT a.service_id, a.standing, a.key FROM service_search AS a
     WHERE a.country = t.country AND a.remote = (t.spot = 'remote') AND a.listed AND (a.remote OR NOT a.somewhere)
       {after}
     ORDER BY a.standing DESC, a.key LIMIT %(most)s
"""
_AFTER: LiteralString = """
     AND (a.standing < %(after_standing)s OR (a.standing = %(after_standing)s AND a.key > %(after_key)s))
"""


def _statement(source: LiteralString, *, kind: bool, after: bool) -> LiteralString:
    source = source.replace("{kind}", "AND a.kind = %(kind)s" if kind else "")
    source = source.replace("{after}", _AFTER if after else "")
    return _NEARBY.replace("{source}", source).replace("{conditions}", CONDITIONS)


STATEMENTS: dict[tuple[bool, bool, bool], LiteralString] = {
    (near, kind, after): _statement(_PLACE if near else _DISTANCE, kind=kind, after=after)
    for near in (True, False)
    for kind in (True, False)
    for after in (True, False)
}


class Spot(NamedTuple):
    """A place (nothing: the whole country) and the way in which a service may work there."""

    country: str
    place: str
    way: str


def found(work: Work, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Ids of the services that fit, ranked, with their fit; `asked` has countries and, for a place, its names."""
    rank, key = asked["position"]
    rows: list[dict[str, Any]] = []
    above: list[Spot] = []
    for fit, spots in _tiers(asked["countries"], asked["places"], asked["counties"]):
        if rank is None or fit <= rank // STEP:
            after = (rank % STEP, key) if rank is not None and fit == rank // STEP else None
            rows += _tier(work, asked, fit, (spots, above), after=after, limit=asked["limit"] - len(rows))
        above += spots if fit > REMOTE else []
        if len(rows) >= asked["limit"]:
            break
    return rows


def _tier(
    work: Work,
    asked: dict[str, Any],
    fit: int,
    where: tuple[list[Spot], list[Spot]],
    *,
    after: tuple[int, str] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """The best of one fit that are not above it; of the first ones, and of all where those are too few."""
    given: dict[str, Any] = {name: asked.get(name) for name in NAMES}
    for prefix, spots in zip(("", "above_"), where, strict=True):
        names = ("countries_of", "spots", "ways") if not prefix else ("above_countries", "above_spots", "above_ways")
        given |= {name: [spot[number] for spot in spots] for number, name in enumerate(names)}
    given |= {"limit": limit, "after_standing": after and after[0], "after_key": after and after[1]}
    statement = STATEMENTS[fit > REMOTE, given["kind"] is not None, after is not None]
    rows = work.all(statement, {**given, "most": FIRST * limit})
    if rows[0]["edge_key"] is not None and sum(map(_is_certain, rows)) < limit:
        rows = work.all(statement, {**given, "most": ALL})
    return [
        {"service_id": row["service_id"], "key": row["key"], "fit": fit, "score": None, "rank": rank_of(fit, row)}
        for row in rows
        if row["service_id"] is not None
    ]


def _is_certain(row: dict[str, Any]) -> bool:
    """Whether nobody that was not looked at can stand before it."""
    if row["service_id"] is None:
        return False
    edge: tuple[int, str] = (-row["edge_standing"], row["edge_key"])
    return (-row["standing"], row["key"]) <= edge


def rank_of(fit: int, row: dict[str, Any]) -> int:
    """The rank of a row: its fit, then its standing."""
    rank: int = fit * STEP + row["standing"]
    return rank


def _tiers(
    countries: Sequence[str], places: Sequence[str] | None, counties: Sequence[str] | None
) -> Iterator[tuple[int, list[Spot]]]:
    """Every fit with its places, the best first."""
    if places is None:
        yield COUNTRY, [Spot(country, "", ANY) for country in countries]
    else:
        yield OWN, [Spot(country, place, "own") for country in countries for place in places]
        yield LICENCE, [Spot(country, place, "licence") for country in countries for place in places]
        both = ("own", "licence")
        yield COUNTY, [Spot(each, county, way) for each in countries for county in counties or () for way in both]
        yield COUNTRY, [Spot(country, "", way) for country in countries for way in both]
    yield REMOTE, [Spot(country, "remote", "") for country in countries]
    yield UNKNOWN, [Spot(country, "", "") for country in countries]
