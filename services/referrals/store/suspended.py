"""Which open referrals lie with suspended organisations."""

from __future__ import annotations

import uuid

from chassis.db import Work

LEGS = "SELECT org_id, id FROM legs_of_suspended(%s)"


def legs_of_suspended(work: Work, most: int) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Sender and id of those of which the sender was not told yet, those unmoved longest first."""
    return [(row["org_id"], row["id"]) for row in work.all(LEGS, (most,))]
