"""Months of programmes that were closed and told."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import orjson

from chassis.db import Work

TO_CLOSE = "SELECT org_id, programme_id, month FROM statistics_to_close(%s, 500)"


def to_close(work: Work, until: dt.date) -> list[dict[str, Any]]:
    """Programmes and months before a month that are not told yet, in all organisations."""
    return work.all(TO_CLOSE, (until,))


SUMS = """
SELECT metric, sum(amount)::integer AS amount FROM indicator WHERE programme_id = %s AND month = %s GROUP BY metric
"""


def sums(work: Work, programme_id: uuid.UUID, month: dt.date) -> dict[str, int]:
    """What was counted of a programme in a month."""
    return {row["metric"]: row["amount"] for row in work.all(SUMS, (programme_id, month))}


CLOSE = """
INSERT INTO statistics_closed (id, org_id, programme_id, month, figures, at)
SELECT %(id)s, p.org_id, p.id, %(month)s, %(figures)s::json, %(at)s FROM programme AS p WHERE p.id = %(programme)s
ON CONFLICT (programme_id, month) DO NOTHING
"""


def close(
    work: Work, statistics_id: uuid.UUID, programme_id: uuid.UUID, month: dt.date, figures: dict[str, int | None]
) -> bool:
    """Write a month once; False when somebody else has."""
    values = {"id": statistics_id, "programme": programme_id, "month": month, "at": work.now}
    return work.run(CLOSE, {**values, "figures": orjson.dumps(figures).decode()}, expect=None) == 1


ONE = """
SELECT c.id, c.org_id, c.programme_id, c.month, c.figures, p.key AS programme_key, p.kind
  FROM statistics_closed AS c JOIN programme AS p ON p.id = c.programme_id WHERE c.id = %s
"""


def one(work: Work, statistics_id: uuid.UUID) -> dict[str, Any] | None:
    """A closed month with what is told of it."""
    return work.one(ONE, (statistics_id,))


OWNER = "SELECT org_id FROM statistics_owner(%s)"


def owner(work: Work, statistics_id: uuid.UUID) -> uuid.UUID | None:
    """Whose month it is."""
    row = work.one(OWNER, (statistics_id,))
    return row["org_id"] if row else None
