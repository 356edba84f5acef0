"""What else a man does by his card: say that he will not come, and have the meetings in his own calendar."""

from __future__ import annotations

from functools import partial

from chassis.db import Database, Work
from chassis.errors import Conflict, Refused
from chassis.requests import Call, Outcome
from services.groups.store import exports, seats
from services.groups.store.cards import Card
from services.groups.store.seats import Group, SignUp
from services.groups.usecases.apologies import SEATED, apologise
from services.groups.usecases.exporting import TOKEN, new_token, path_of
from services.groups.usecases.own import by_card
from services.groups.usecases.showing import shown, shown_card, told_state


def excuse(db: Database, call: Call) -> Outcome:
    """Say that he will not come to a meeting. Raises NotFound, and Conflict without a seat or too late."""
    return by_card(db, call, partial(_excuse, no=call.body["session_no"]))


def open_calendar(db: Database, call: Call) -> Outcome:
    """Give him an address for his calendar program; an older one is none any more. Raises Conflict without a seat."""
    return by_card(db, call, partial(_open_calendar, language=call.body["language"]))


def close_calendar(db: Database, call: Call) -> Outcome:
    """Take his address back."""
    return by_card(db, call, _close_calendar)


def _excuse(work: Work, group: Group, card: Card, *, no: int) -> Outcome | Refused:
    sign_up = seats.one(work, card.sign_up_id)
    if sign_up is None:
        return _without_seat(card, group) or Outcome(value=shown_card(work, group, card))
    try:
        apologise(work, sign_up, no, subject=None)
    except Refused as refused:
        return refused
    return Outcome(value=shown(work, group, sign_up))


def _open_calendar(work: Work, group: Group, card: Card, *, language: str) -> Outcome | Refused:
    sign_up = seats.one(work, card.sign_up_id)
    refused = _without_seat(card, group, sign_up)
    if refused is not None:
        return refused
    token = new_token()
    if sign_up is not None:  # for a card without a sign-up the address leads nowhere, as after a withdrawal
        exports.open_for_man(work, sign_up.id, work.digest(TOKEN, token), language)
    return Outcome(value={"path": path_of(token)})


def _close_calendar(work: Work, _: Group, card: Card) -> Outcome | Refused:
    exports.close_for_man(work, card.sign_up_id)
    return Outcome(value={"path": None})


def _without_seat(card: Card, group: Group, sign_up: SignUp | None = None) -> Refused | None:
    state = told_state(card, group) if sign_up is None else sign_up.state
    if state in SEATED:
        return None
    return Conflict("signup.not_possible", f"It needs a seat; the sign-up is {state}.", allowed=())
