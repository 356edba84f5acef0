"""Rows of the change feed and the public records as they stand."""

from __future__ import annotations

import datetime as dt
from typing import Any

from chassis.db import Work

# Both in one statement, so that the end of the feed and its content are of one moment.
CHANGES = """
SELECT c.seq, c.at, c.section, c.mark, c.action, r.record, h.seq AS last
  FROM change_head AS h
  LEFT JOIN LATERAL (SELECT * FROM directory_change WHERE seq > %(after)s ORDER BY seq LIMIT %(limit)s) AS c ON true
  LEFT JOIN public_record AS r ON r.section = c.section AND r.mark = c.mark AND r.seq = c.seq
 ORDER BY c.seq
"""


def changes(work: Work, *, after: int, limit: int) -> tuple[list[dict[str, Any]], int]:
    """Changes behind a number, and the number of the last one there is; a record only where nothing came after it."""
    rows = work.all(CHANGES, {"after": after, "limit": limit})
    return [row for row in rows if row["seq"] is not None], rows[0]["last"]


# One statement, so one moment: the records and the number of the change that they stand at.
WHOLE = """
SELECT h.seq AS last, r.section, string_agg(r.record, ',' ORDER BY r.mark COLLATE "C") AS records
  FROM change_head AS h LEFT JOIN public_record AS r ON true GROUP BY h.seq, r.section
"""


def whole(work: Work) -> tuple[dict[str, str], int]:
    """All public records by section, each as one text by the bytes of the marks; and the number of the last change."""
    rows = work.all(WHOLE)
    return {row["section"]: row["records"] for row in rows if row["section"] is not None}, rows[0]["last"]


# The first statement of a transaction: from then on all see one moment.
STILL = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
# Whatever everybody sees changes with a number of the feed, a line of history or a date; writers come one by one.
STAND = """
SELECT h.seq, (SELECT max(no) FROM metadata) AS noted, (SELECT max(changed_at) FROM service) AS changed_at
  FROM change_head AS h
"""
Stand = tuple[int, int | None, dt.datetime | None]


def snapshot(work: Work) -> Stand:
    """Let all statements of this transaction see one moment; returns how far it has come, as `stand` does."""
    work.run(STILL, expect=None)
    return stand(work)


def stand(work: Work) -> Stand:
    """The last change of the feed, the last line of history and the last date: with all the same, all is the same."""
    row = work.one(STAND)
    return (row["seq"], row["noted"], row["changed_at"]) if row else (0, None, None)
