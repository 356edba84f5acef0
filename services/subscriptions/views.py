"""Rows that are only shown: the events of a stream behind a position, and how far its journal reaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.db import Work


@dataclass(frozen=True, slots=True)
class Stored:
    """One event as it stands in the journal."""

    position: int
    type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Events in order, and the stream at that moment: its oldest position still here, and its last one ever."""

    oldest: int
    last: int
    rows: list[Stored]


# One statement is one moment: between two of them the sweep could take away what nobody would then miss.
PAGE = """
SELECT r.oldest, r.last, j.position, j.type, j.body
  FROM (SELECT coalesce((SELECT min(position) FROM journal WHERE stream = %(stream)s), s.last + 1, 1) AS oldest,
               coalesce(s.last, 0) AS last
          FROM (VALUES (1)) AS one LEFT JOIN stream AS s ON s.name = %(stream)s) AS r
  LEFT JOIN LATERAL (
        SELECT position, type, body FROM journal
         WHERE stream = %(stream)s AND position > %(after)s
           AND (%(types)s::text[] IS NULL OR type = ANY(%(types)s))
         ORDER BY position LIMIT %(limit)s) AS j ON true
 ORDER BY j.position
"""


def page(work: Work, stream: str, *, after: int, limit: int, types: Sequence[str] = ()) -> Page:
    """The next events of a stream; all types when none is named."""
    rows = work.all(PAGE, {"stream": stream, "after": after, "limit": limit, "types": list(types) or None})
    events = [Stored(row["position"], row["type"], bytes(row["body"])) for row in rows if row["position"] is not None]
    return Page(oldest=rows[0]["oldest"], last=rows[0]["last"], rows=events)


LASTS = "SELECT name, last FROM stream WHERE name = ANY(%s)"


def lasts(work: Work, names: Sequence[str]) -> dict[str, int]:
    """The last position of each of these streams."""
    return {row["name"]: row["last"] for row in work.all(LASTS, (list(names),))}


STREAMS = "SELECT name FROM stream ORDER BY name"


def streams(work: Work) -> list[str]:
    """The names of all streams."""
    return [row["name"] for row in work.all(STREAMS)]
