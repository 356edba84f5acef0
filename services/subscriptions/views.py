"""Rows that are only shown: the events of a stream behind a position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.db import Work

OLDEST = """
SELECT coalesce((SELECT min(position) FROM journal WHERE stream = %(stream)s),
                (SELECT last + 1 FROM stream WHERE name = %(stream)s), 1) AS oldest
"""


def oldest(work: Work, stream: str) -> int:
    """The first position of the stream that is still in the journal, or the one that comes next."""
    row = work.one(OLDEST, {"stream": stream})
    return int(row["oldest"]) if row else 1


@dataclass(frozen=True, slots=True)
class Stored:
    """One event as it stands in the journal."""

    position: int
    body: bytes


FEED = """
SELECT position, body FROM journal
 WHERE stream = %(stream)s AND position > %(after)s AND (%(types)s::text[] IS NULL OR type = ANY(%(types)s))
 ORDER BY position LIMIT %(limit)s
"""


def feed(work: Work, stream: str, *, after: int, limit: int, types: Sequence[str]) -> list[Stored]:
    """The next events of a stream; all types when none is named."""
    rows = work.all(FEED, {"stream": stream, "after": after, "limit": limit, "types": list(types) or None})
    return [Stored(row["position"], bytes(row["body"])) for row in rows]
