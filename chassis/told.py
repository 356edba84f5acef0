"""What a service has told, read from its outbox for operators: to follow it and to count it, never its content.

It works with a dead broker, because the outbox is where events are first. Rows get their number before they are
committed, so a low one may appear after a higher one (architecture.md trap 9): a follower moves its floor only when
every transaction that could still bring a lower number has ended.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from chassis import envelope

if TYPE_CHECKING:
    from chassis.db import Work

PAGE = 1_000

_MARK = """
SELECT coalesce(max(no), 0) AS highest, pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest,
       pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next
  FROM outbox
"""
_ROWS = """
SELECT no, occurred_at, type, aggregate_id, audience, sequence, published_at IS NOT NULL AS published
  FROM outbox
 WHERE no > %(after)s AND occurred_at >= %(since)s AND (%(types)s::text[] = '{}' OR type = ANY(%(types)s))
 ORDER BY no LIMIT %(limit)s
"""


class Follower:
    """Gives every row of an outbox once, whenever it is committed."""

    def __init__(self, *, since: dt.datetime, types: Sequence[str] = ()) -> None:
        self._wanted = {"since": since, "types": list(types), "limit": PAGE}
        self._floor = 0
        self._seen: set[int] = set()
        self._candidate: tuple[int, int] | None = None

    def take(self, work: Work) -> Iterator[dict[str, Any]]:
        """The rows that were committed since the last time, by their numbers."""
        mark = work.one(_MARK) or {"highest": 0, "oldest": 0, "next": 0}
        after = self._floor
        while True:
            rows = work.all(_ROWS, {**self._wanted, "after": after})
            yield from (row for row in rows if row["no"] not in self._seen)
            self._seen.update(row["no"] for row in rows)
            if len(rows) < PAGE:
                break
            after = rows[-1]["no"]
        self._advance(mark)

    def _advance(self, mark: dict[str, Any]) -> None:
        if self._candidate is not None and mark["oldest"] < self._candidate[1]:
            return  # somebody who may hold a lower number is still at work
        if self._candidate is not None:
            self._floor = self._candidate[0]
            self._seen = {no for no in self._seen if no > self._floor}
        self._candidate = (mark["highest"], mark["next"])


_COUNTS = """
SELECT type, count(*) AS told, count(*) FILTER (WHERE published_at IS NULL) AS waiting
  FROM outbox WHERE occurred_at >= %s GROUP BY type ORDER BY type
"""


def counts(work: Work, since: dt.datetime) -> list[dict[str, Any]]:
    """How many events of each type were told since a moment, and how many of them wait for the broker."""
    return work.all(_COUNTS, (since,))


def audience_of(text: str) -> str:
    """For whom an event is, without saying which organisation."""
    if text == envelope.NETWORK:
        return "network"
    return "one organisation" if text else "inside"
