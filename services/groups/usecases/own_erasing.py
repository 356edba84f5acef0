"""A man asks by his card that everything of him be erased, or takes it back; it happens after two days (groups.md)."""

from __future__ import annotations

import datetime as dt

from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import Conflict, Refused
from chassis.requests import Call, Outcome
from services.groups.rules.queue import MANDATED
from services.groups.store import cards, seats
from services.groups.store.cards import Card
from services.groups.store.seats import Group
from services.groups.usecases.own import by_card
from services.groups.usecases.showing import shown, shown_card

DELAY = dt.timedelta(hours=48)


def ask(db: Database, call: Call) -> Outcome:
    """Let everything of him be erased in two days. Raises NotFound for a wrong code or PIN.

    Raises Conflict for a man who was sent: his referrer's rules say what is kept (groups.md section 10).
    """
    return by_card(db, call, _ask)


def take_back(db: Database, call: Call) -> Outcome:
    """Let everything stay. Raises NotFound for a wrong code or PIN."""
    return by_card(db, call, _take_back)


def drop_cards(db: Database) -> None:
    """Drop cards that lead to no sign-up, when their time is over; the others go with the record."""
    with db.background("groups.sweeper") as work:
        found = cards.to_drop(work)
    for org, sign_up_id in found:
        with db.background("groups.sweeper", org=org) as work:
            cards.drop(work, sign_up_id)
            work.record(Entry(operation="group.sweep", object_type="signup", object_id=sign_up_id, purpose="upkeep"))


def _ask(work: Work, group: Group, card: Card) -> Outcome | Refused:
    sign_up = seats.one(work, card.sign_up_id)
    if sign_up is not None and sign_up.place.track == MANDATED:
        message = (
            "You were sent here; what has to be kept of it is for the organisation's data-protection officer to say."
        )
        return Conflict("signup.kept", message, allowed=())
    return _shown(work, group, card if card.erase_at else cards.erase(work, card, work.now + DELAY))


def _take_back(work: Work, group: Group, card: Card) -> Outcome:
    return _shown(work, group, cards.erase(work, card, None))


def _shown(work: Work, group: Group, card: Card) -> Outcome:
    sign_up = seats.one(work, card.sign_up_id)
    value = shown_card(work, group, card) if sign_up is None else shown(work, group, sign_up)
    return Outcome(value={**value, "erase_at": card.erase_at})
