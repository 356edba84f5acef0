"""The man's own sign-up by return code and PIN: look, answer an offer, leave.

A refusal is raised after the commit: a wrong PIN must be counted, and an offer that is over must lapse and go on to
the next man, although the one who asked gets no for an answer.
"""

from __future__ import annotations

import datetime as dt
import hmac
import math
from collections.abc import Callable
from functools import partial

from chassis import clock
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import NotFound, Refused, TooManyRequests
from chassis.requests import Call, Outcome
from services.groups.rules import codes, lifecycle
from services.groups.store import cards, seats
from services.groups.store.cards import Card
from services.groups.store.seats import Group
from services.groups.usecases import seating
from services.groups.usecases.acts import BY_MAN
from services.groups.usecases.showing import shown, shown_card, told_state
from services.groups.usecases.signing_up import CODE_PURPOSE, OBJECT, pin_mac

Act = Callable[[Work, Group, Card], Outcome | Refused]


def status(db: Database, call: Call) -> Outcome:
    """How the sign-up stands. Raises NotFound for a wrong code or PIN alike."""
    return by_card(db, call, partial(_step, action=None))


def accept_offer(db: Database, call: Call) -> Outcome:
    """Take the offered seat. Raises Conflict `offer.passed` after the deadline."""
    return by_card(db, call, partial(_step, action="accept"))


def decline_offer(db: Database, call: Call) -> Outcome:
    """Say no to the offered seat; the next man is asked in the same transaction."""
    return by_card(db, call, partial(_step, action="decline"))


def withdraw(db: Database, call: Call) -> Outcome:
    """Leave, at once; a freed seat is offered to the next man in the same transaction."""
    return by_card(db, call, partial(_step, action="withdraw"))


def by_card(db: Database, call: Call, act: Act, *, repeat: Act | None = None) -> Outcome:
    """Do something with the sign-up behind a card, once; a repeated request is told how it stands, or does `repeat`.

    A refusal is committed like an answer, so `act` refuses before it writes anything.

    Raises NotFound for a wrong code or PIN alike, TooManyRequests, and what `act` refuses.
    """
    with db.work(call) as work:
        repeated = work.claimed() is not None
        code = codes.normalised(call.body["return_code"])
        found = cards.by_code(work, work.digest(CODE_PURPOSE, code))
        if found is None or not (repeated or call.path.get("signup_id") in {None, found.sign_up_id}):
            raise NotFound  # a repeated request may have given the card a new sign-up
        with seats.inside(work, found.org_id):
            group = seats.lock_group(work, found.group_id)
            card = cards.lock(work, found.sign_up_id)
            now = clock.now()
            shut = _closed(work, call, card, now=now)
            done = repeat or partial(_step, action=None)
            answer = shut or _asked(work, group, card, done if repeated else act, now=now)
        refused = isinstance(answer, Refused)
        object_id = None if refused or repeated else card.sign_up_id  # what a repeated request will find again
        outcome = "refused" if refused else "done"
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=object_id, outcome=outcome))
    if isinstance(answer, Refused):
        raise answer
    if "signup_id" in answer.value:
        answer.value.setdefault("erase_at", card.erase_at)  # whatever he did, he sees that it is still to come
    return answer


def _asked(work: Work, group: Group, card: Card, act: Act, *, now: dt.datetime) -> Outcome | Refused:
    return act(work, seating.settle(work, group, now=now), card)


def _closed(work: Work, call: Call, card: Card, *, now: dt.datetime) -> Refused | None:
    """Why the card does not open: shut for too many wrong PINs, or the PIN is wrong once more."""
    if card.blocked_until is not None and card.blocked_until > now:
        seconds = math.ceil((card.blocked_until - now).total_seconds())
        message = "Too many wrong PINs; wait before the next try."
        return TooManyRequests("signup.too_many_tries", message, retry_after=seconds)
    given = pin_mac(work, card.sign_up_id, code=call.body["return_code"], pin=call.body["pin"])
    if not hmac.compare_digest(bytes(card.pin_mac), given):
        failures = card.failures + 1
        cards.tried(work, card, failures=failures, blocked_until=now + codes.delay(failures))
        return NotFound()
    if card.failures:
        cards.tried(work, card, failures=0, blocked_until=None)
    return None


def _step(work: Work, group: Group, card: Card, *, action: str | None) -> Outcome | Refused:
    sign_up = seats.one(work, card.sign_up_id)
    if sign_up is None:
        return _act_on_card(work, group, card, action)
    if action is not None:
        now = clock.now()
        try:
            group, sign_up = seating.take(work, group, sign_up, action, now=now, act=BY_MAN)
        except Refused as refused:
            return refused
        group = seating.fill(work, group, now=now)
    return Outcome(value=shown(work, group, sign_up))


def _act_on_card(work: Work, group: Group, card: Card, action: str | None) -> Outcome | Refused:
    if action is None:
        return Outcome(value=shown_card(work, group, card))
    try:
        edge = lifecycle.decide(action, state=told_state(card, group), intake=group.intake)
    except Refused as refused:
        return refused
    moved = cards.tell(work, card, edge.target)
    return Outcome(value=shown_card(work, group, moved))
