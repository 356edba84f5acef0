"""A man whose record is to be erased leaves his group first: nobody holds a seat or a place without being anybody."""

from __future__ import annotations

import uuid

from chassis import clock
from chassis.db import Work
from chassis.records import Records
from services.groups import schemas
from services.groups.rules.lifecycle import LIVE
from services.groups.rules.persons import PERSONS
from services.groups.schemas.reaching import NewNote
from services.groups.schemas.staff import IntakeEntry
from services.groups.store import seats
from services.groups.store.intake import CONTENT
from services.groups.store.remarks import SEALED
from services.groups.usecases import seating
from services.groups.usecases.acts import BY_MAN, BY_SYSTEM
from services.groups.views import PERSONAL


def leave(work: Work, sign_up_id: uuid.UUID) -> None:
    """Withdraw a live sign-up, offer the seat that it frees, and tell that nothing of it is kept any more.

    The context is the group's organisation.
    """
    group_id = seats.group_of(work, sign_up_id)
    if group_id is None:
        return
    group = seats.lock_group(work, group_id)
    sign_up = seats.one(work, sign_up_id)
    if sign_up is None or sign_up.state == "erased":
        return
    now = clock.now()
    if sign_up.state in LIVE:
        group, sign_up = seating.take(work, group, sign_up, "withdraw", now=now, act=BY_MAN)
    group, _ = seating.take(work, group, sign_up, "erase", now=now, act=BY_SYSTEM)
    seating.fill(work, group, now=now)


RECORDS = Records(
    service="groups",
    persons=PERSONS,
    shapes={
        PERSONAL.replace("|", "."): schemas.NewSignUp(only=("alias", "contact")),
        SEALED.replace("|", "."): NewNote(only=("text",)),
        CONTENT.replace("|", "."): IntakeEntry(only=("outcome", "next_step", "next_id")),
    },
    before=leave,
)
"""What the data-protection officer's routes and retention work on."""
