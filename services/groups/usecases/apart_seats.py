"""The places by which the database keeps men apart: given up with the seat, and taken anew in another group."""

from __future__ import annotations

import uuid

from chassis.db import Work
from services.groups.rules.lifecycle import LIVE
from services.groups.store import apart as store
from services.groups.store.seats import Group
from services.groups.usecases.acts import Moved


def leave_with_the_seat(work: Work, moved: Moved) -> None:
    """Who is not live in a group any more keeps nobody out of it."""
    if moved.edge.source in LIVE and moved.edge.target not in LIVE:
        store.leave(work, moved.sign_up.id)


def go_over(work: Work, sign_up_id: uuid.UUID) -> None:
    """Take the places of a man anew who went over into another group, if he was linked."""
    if store.person_of(work, sign_up_id) is not None:
        store.enter(work, sign_up_id)


def is_kept_out(work: Work, group: Group, sign_up_id: uuid.UUID) -> bool:
    """Whether a linked man may not go into a group that is locked; the organisation's pairs are locked before it."""
    value = store.person_of(work, sign_up_id)
    return value is not None and store.blocked(work, group.id, sign_up_id, value)
