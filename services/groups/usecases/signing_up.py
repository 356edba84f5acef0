"""A man signs up, without an account; whoever signs up twice gets the same kind of answer and no second seat."""

from __future__ import annotations

import datetime as dt
import secrets
import uuid
from dataclasses import dataclass
from typing import Any

from chassis import clock
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import FieldError, Invalid
from chassis.requests import Call, Outcome
from chassis.sealing import DataKey
from services.groups.rules import codes, lifecycle, queue
from services.groups.rules.lifecycle import SEATED
from services.groups.rules.words import next_step
from services.groups.store import cards, queueing, seats
from services.groups.store.cards import Card
from services.groups.store.seats import Group, SignUp
from services.groups.usecases import seating
from services.groups.usecases.acts import BY_MAN, BY_SYSTEM
from services.groups.views import PERSONAL

OBJECT = "signup"
CODE_PURPOSE = "signup.return_code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """Who comes, as he wrote it, with the code that he is given and the key that seals him."""

    id: uuid.UUID
    alias: str
    language: str | None
    contact: dict[str, Any] | None
    pin: str
    code: str
    key: DataKey


def sign_up(db: Database, call: Call) -> Outcome:
    """Give a seat or a place in the queue, and the return code. Raises Invalid and Conflict."""
    body = call.body
    with db.work(call) as work:
        done = work.claimed()
        org = seats.owner(work, body["group_id"])
        if org is None:
            detail = "There is no such group."
            raise Invalid("group.unknown", detail, fields=(FieldError("/group_id", "unknown", detail),))
        sign_up_id = done or clock.new_id()
        code = _code(work, call, sign_up_id)
        newcomer = None if done else _newcomer(work, body, sign_up_id, code)
        with seats.inside(work, org):
            group = seats.lock_group(work, body["group_id"])
            value = join(work, group, newcomer) if newcomer else again(work, group, sign_up_id)
        work.record(Entry(operation="signup.create", object_type=OBJECT, object_id=None if done else sign_up_id))
        return Outcome(value={**value, "return_code": code})


def join(work: Work, group: Group, newcomer: Newcomer) -> dict[str, Any]:
    """Put a newcomer into a group that is locked; the owner's context is set. Returns what he is shown."""
    now = clock.now()
    group = seating.settle(work, group, now=now)
    at_once = queue.seated_at_once(capacity=group.capacity, held=group.held, waiting=group.waiting)
    queue.admit(
        state=group.state,
        admission=group.admission,
        waiting=group.waiting,
        waitlist_limit=group.waitlist_limit,
        at_once=at_once,
    )
    _check_language(group, newcomer.language)
    place = queue.next_place(last_seq=group.queue_last, last_at=group.queue_at, now=now)
    row = _row(work, group, newcomer, now)
    if row["contact_mac"] is not None and seats.is_live(work, group, row["contact_mac"]):
        told = lifecycle.seat_state(group.intake) if at_once else "waiting"
        cards.add(work, group, row, told_state=told, told_seq=place.queue_seq)
        return _view(newcomer.id, group, told, before=group.waiting, code_only=False)
    group, entered = seats.enter(work, group, place, row)
    seating.tell(work, group, entered, lifecycle.SIGN_UP, now=now, act=BY_MAN)
    if at_once:
        group, entered = seating.take(work, group, entered, "seat", now=now, act=BY_SYSTEM)
    return _view(newcomer.id, group, entered.state, before=group.waiting - 1, code_only=entered.code_only)


def again(work: Work, group: Group, sign_up_id: uuid.UUID) -> dict[str, Any]:
    """What is shown when the same request comes again: the sign-up as it stands now."""
    found = seats.one(work, sign_up_id)
    if found is not None:
        return shown(work, group, found)
    return shown_card(work, group, cards.lock(work, sign_up_id))


def shown(work: Work, group: Group, sign_up: SignUp) -> dict[str, Any]:
    """His own sign-up as he may see it."""
    before = queueing.men_before(work, group, sign_up.place) if sign_up.state == "waiting" else 0
    value = _view(sign_up.id, group, sign_up.state, before=before, code_only=sign_up.code_only)
    return {**value, "offer_until": sign_up.offer_until}


def shown_card(work: Work, group: Group, card: Card) -> dict[str, Any]:
    """The same for a card without a sign-up behind it: it looks like any other sign-up."""
    state = told_state(card)
    place = queue.Place(track=queue.VOLUNTARY, waiting_since=card.created_at, queue_seq=card.told_seq or 0)
    before = queueing.men_before(work, group, place) if state == "waiting" else 0
    return _view(card.sign_up_id, group, state, before=before, code_only=card.told_code_only)


def told_state(card: Card) -> str:
    """What a card without a sign-up tells; time alone does not change it, as it changes no sign-up's state yet."""
    return card.told_state or "lapsed"


def pin_mac(work: Work, sign_up_id: uuid.UUID, *, code: str, pin: str) -> bytes:
    """The keyed hash of a PIN together with the code: useless without either, and without the key."""
    return work.digest("signup.pin", f"{sign_up_id} {codes.normalised(code)} {pin}")


def contact_mac(work: Work, group_id: uuid.UUID, contact: dict[str, Any] | None) -> bytes | None:
    """The keyed hash of a contact for one group, so that a second sign-up is found there and nowhere else."""
    if contact is None:
        return None
    return work.digest("signup.contact", f"{group_id} {contact['channel']}:{contact['value']}")


def _view(sign_up_id: uuid.UUID, group: Group, state: str, *, before: int, code_only: bool) -> dict[str, Any]:
    return {
        "signup_id": sign_up_id,
        "group_id": group.id,
        "state": state,
        "has_seat": state in SEATED,
        "place": before + 1 if state == "waiting" else None,
        "offer_until": None,
        "next": next_step(state, code_only=code_only),
        "allowed_actions": lifecycle.allowed_actions(state),
    }


def _row(work: Work, group: Group, newcomer: Newcomer, now: dt.datetime) -> dict[str, Any]:
    participant_id, key, contact = clock.new_id(), newcomer.key, newcomer.contact
    mac = contact_mac(work, group.id, contact)
    return {
        "id": newcomer.id,
        "participant_id": participant_id,
        "key_id": key.id,
        "personal": key.seal(PERSONAL, participant_id, {"alias": newcomer.alias, "contact": contact}),
        "contact_mac": mac,
        "code_only": contact is None,
        "language": newcomer.language,
        "code_mac": work.digest(CODE_PURPOSE, codes.normalised(newcomer.code)),
        "pin_mac": pin_mac(work, newcomer.id, code=newcomer.code, pin=newcomer.pin),
        "at": now,
    }


def _newcomer(work: Work, body: dict[str, Any], sign_up_id: uuid.UUID, code: str) -> Newcomer:
    # The key is taken before the group is locked: it may need the key database, and nobody shall queue behind that.
    fields = {name: body[name] for name in ("alias", "language", "contact", "pin")}
    return Newcomer(id=sign_up_id, code=code, key=work.keys.take(), **fields)


def _code(work: Work, call: Call, sign_up_id: uuid.UUID) -> str:
    # With an Idempotency-Key the code is derived, so that the same request gets the same code although only its hash is
    # kept: it takes the key, the PIN and the process's secret to make it again. Without one it is random.
    if call.idempotency_key is None:
        return codes.return_code(secrets.token_bytes(8))
    text = f"{sign_up_id} {call.idempotency_key} {call.body['pin']}"
    return codes.return_code(work.digest("signup.return_code_of_key", text)[:8])


def _check_language(group: Group, language: str | None) -> None:
    spoken = {each.partition("-")[0] for each in group.languages}
    if language is not None and language.partition("-")[0] not in spoken:
        detail = f"This group speaks {', '.join(sorted(spoken))}."
        raise Invalid("signup.language", detail, fields=(FieldError("/language", "choice", detail),))
