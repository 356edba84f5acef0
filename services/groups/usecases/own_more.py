"""What else a man does by his card: say that he will not come, and have the meetings in his own calendar."""

from __future__ import annotations

from functools import partial
from typing import Any

from chassis.db import Database, Work
from chassis.errors import Conflict, Refused
from chassis.requests import Call, Outcome
from services.groups import views
from services.groups.rules import card, codes
from services.groups.rules.words import named
from services.groups.store import exports, seats
from services.groups.store.cards import Card
from services.groups.store.seats import Group
from services.groups.usecases.apologies import apologise, check
from services.groups.usecases.exporting import TOKEN, new_token, path_of
from services.groups.usecases.own import by_card
from services.groups.usecases.showing import may_know_the_place, shown, shown_card, told_state


def excuse(db: Database, call: Call) -> Outcome:
    """Say that he will not come to a meeting. Raises NotFound, and Conflict without a seat or too late."""
    return by_card(db, call, partial(_excuse, no=call.body["session_no"]))


def open_calendar(db: Database, call: Call) -> Outcome:
    """Give him an address for his calendar program; an older one is none any more. Raises Conflict without a seat."""
    act = partial(_open_calendar, language=call.body["language"])
    return by_card(db, call, act, repeat=act)  # only a hash is kept: a second click gets an address that works


def close_calendar(db: Database, call: Call) -> Outcome:
    """Take his address back."""
    return by_card(db, call, _close_calendar, repeat=_close_calendar)


def card_to_keep(db: Database, call: Call) -> bytes:
    """His card as a picture. Raises NotFound for a wrong code or PIN."""
    drawn: bytes = by_card(db, call, partial(_draw, body=call.body)).value["card"]
    return drawn


def _draw(work: Work, group: Group, _: Card, *, body: dict[str, Any]) -> Outcome:
    found = views.on_a_card(work, group.id)
    told = {
        "organisation": named(found["organisation"], body["language"]),
        "programme": named(found["names"], body["language"]),
        "place": found["place_public"] or "",
        "time": card.when(found["start_on"], found["local_start"]),
    }
    lines = [told[each] for each in card.SHOWS if each in body["shows"] and told[each]]
    return Outcome(value={"card": card.svg(codes.grouped(body["return_code"]), lines)})


def _excuse(work: Work, group: Group, card: Card, *, no: int) -> Outcome | Refused:
    sign_up = seats.one(work, card.sign_up_id)
    try:
        if sign_up is not None:
            apologise(work, sign_up, no, subject=None)
            return Outcome(value=shown(work, group, sign_up))
        check(work, group.id, told_state(card, group), no)  # it is refused where another one would be
        return Outcome(value=shown_card(work, group, card))
    except Refused as refused:
        return refused


def _open_calendar(work: Work, group: Group, card: Card, *, language: str) -> Outcome | Refused:
    # Not before a conversation or the first evening: an address that leads somewhere for one man and nowhere for a card
    # without a sign-up would tell whether a contact is known here (decision 0010).
    sign_up = seats.one(work, card.sign_up_id)
    if sign_up is None or not may_know_the_place(group, sign_up.state):
        message = "You get it once you have spoken with a worker, or after your first meeting."
        return Conflict("signup.not_possible", message, allowed=())
    token = new_token()
    exports.open_for_man(work, sign_up.id, work.digest(TOKEN, token), language)
    return Outcome(value={"path": path_of(token)})


def _close_calendar(work: Work, _: Group, card: Card) -> Outcome | Refused:
    exports.close_for_man(work, card.sign_up_id)
    return Outcome(value={"path": None})
