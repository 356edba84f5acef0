"""Figures of programmes: added when something happens, never changed."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from chassis.db import Work
from services.groups.store.seats import Group

ADD = """
INSERT INTO indicator (org_id, programme_id, month, metric, amount)
SELECT g.org_id, g.programme_id, %(month)s, %(metric)s, %(amount)s FROM peer_group AS g WHERE g.id = %(group)s
"""
ADD_OF = """
INSERT INTO indicator (org_id, programme_id, month, metric, amount)
VALUES (%(org)s, %(programme)s, %(month)s, %(metric)s, 1)
"""
PLACES = """
INSERT INTO indicator (org_id, programme_id, month, metric, amount)
SELECT g.org_id, g.programme_id, %(month)s, 'places_planned', g.capacity FROM peer_group AS g WHERE g.id = %(group)s
"""


def add_of(work: Work, group: Group, metric: str, at: dt.datetime) -> None:
    """Count one step of a man in the month of a moment; the group is locked, so nothing has to be looked up."""
    values = {"org": group.org_id, "programme": group.programme_id, "month": at.date().replace(day=1)}
    work.later(ADD_OF, {**values, "metric": metric})


def add(work: Work, group_id: uuid.UUID, metric: str, at: dt.datetime, *, amount: int = 1) -> None:
    """Count something of a group in the month of a moment."""
    values = {"group": group_id, "month": at.date().replace(day=1), "metric": metric, "amount": amount}
    work.later(ADD, values)


def add_places(work: Work, group_id: uuid.UUID, at: dt.datetime) -> None:
    """Count the seats of a group that begins."""
    work.later(PLACES, {"group": group_id, "month": at.date().replace(day=1)})


SUMS = """
SELECT CASE WHEN %(by)s = 'funder' THEN coalesce(p.funder, '-') ELSE p.key END AS key, i.metric,
       sum(i.amount)::integer AS amount
  FROM indicator AS i JOIN programme AS p ON p.id = i.programme_id
 WHERE i.month >= %(first)s AND i.month < %(after)s GROUP BY 1, 2
"""


def sums(work: Work, *, by: str, first: dt.date, after: dt.date) -> list[dict[str, Any]]:
    """The organisation's figures of a period, by programme or by funder."""
    return work.all(SUMS, {"by": by, "first": first, "after": after})
