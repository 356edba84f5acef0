"""Queue once more by the same card: at the tail after an offer that lapsed, with one's age in the next group."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

from chassis import clock
from chassis.db import Database, Work
from chassis.errors import Conflict, Refused
from chassis.requests import Call, Outcome
from services.groups import views
from services.groups.rules import again as rules
from services.groups.store import cards, seats
from services.groups.store.cards import Card
from services.groups.store.seats import Group, SignUp
from services.groups.usecases.own import by_card
from services.groups.usecases.records import sealed_of
from services.groups.usecases.showing import shown_card, told_state
from services.groups.usecases.signing_up import Newcomer, join


def queue_again(db: Database, call: Call) -> Outcome:
    """Queue once more; code and PIN stay the same, the sign-up is a new one. Raises Conflict."""
    return by_card(db, call, partial(_again, body=call.body))


def _again(work: Work, group: Group, card: Card, *, body: dict[str, Any]) -> Outcome | Refused:
    sign_up = seats.one(work, card.sign_up_id)
    try:
        if sign_up is None:
            return _card_again(work, group, card)
        return Outcome(value=_rejoin(work, group, sign_up, body))
    except Refused as refused:
        return refused


def _rejoin(work: Work, group: Group, sign_up: SignUp, body: dict[str, Any]) -> dict[str, Any]:
    standing = views.ended(work, sign_up.id)
    now = clock.now()
    target_id = rules.check(
        sign_up.state, changed_at=standing["changed_at"], successor_id=standing["successor_id"], now=now
    )
    target = group if target_id is None else seats.lock_group(work, target_id)
    if target.state not in rules.TAKES:
        raise Conflict("group.not_accepting", "The next group takes no sign-ups yet.", allowed=())
    kept = sealed_of(work, sign_up.id)
    newcomer = Newcomer(
        id=clock.new_id(),
        alias=kept["alias"],
        language=standing["language"],
        contact=kept["contact"],
        pin=body["pin"],
        code=body["return_code"],
        key=work.keys.take(),
        replaces=sign_up.id,
        verified_at=standing["contact_verified_at"],
        delegation=sign_up.delegation,
        since=None if target_id is None else sign_up.place.waiting_since,
    )
    return join(work, target, newcomer)


def _card_again(work: Work, group: Group, card: Card) -> Outcome:
    state = told_state(card, group)
    rules.check(state, changed_at=card.created_at, successor_id=_successor(work, group.id), now=clock.now())
    return Outcome(value=shown_card(work, group, cards.tell(work, card, "waiting")))


def _successor(work: Work, group_id: uuid.UUID) -> uuid.UUID | None:
    found = views.own_group(work, group_id)
    return found["successor_id"] if found else None
