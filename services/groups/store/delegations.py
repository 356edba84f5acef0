"""Seats of delegations of one group, read and written under its lock."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from chassis.db import Work

OF_GROUP = "SELECT delegation, seats FROM delegation_quota WHERE group_id = %s ORDER BY delegation"
HELD = """
SELECT delegation, count(*)::integer AS held FROM sign_up
 WHERE group_id = %s AND delegation IS NOT NULL AND state IN ('offered', 'intake', 'confirmed', 'active')
 GROUP BY delegation
"""
DROP = "DELETE FROM delegation_quota WHERE group_id = %s"
ADD = """
INSERT INTO delegation_quota (group_id, delegation, seats, org_id)
SELECT g.id, %(delegation)s, %(seats)s, g.org_id FROM peer_group AS g WHERE g.id = %(group)s
"""


def quotas(work: Work, group_id: uuid.UUID) -> dict[str, int]:
    """How many seats each delegation may hold; empty where a group has none."""
    return {row["delegation"]: row["seats"] for row in work.all(OF_GROUP, (group_id,))}


def held(work: Work, group_id: uuid.UUID) -> dict[str, int]:
    """How many seats each delegation holds."""
    return {row["delegation"]: row["held"] for row in work.all(HELD, (group_id,))}


def is_full(work: Work, group_id: uuid.UUID, delegation: str | None) -> bool:
    """Whether a delegation holds all seats that it may; whoever comes for none is never in the way of one."""
    if delegation is None:
        return False
    most = quotas(work, group_id).get(delegation)
    return most is not None and held(work, group_id).get(delegation, 0) >= most


def write(work: Work, group_id: uuid.UUID, wanted: Iterable[Mapping[str, Any]]) -> None:
    """Write the quotas of a group in place of what there was."""
    work.later(DROP, (group_id,), expect=None)
    for each in wanted:
        work.later(ADD, {"group": group_id, **each})
