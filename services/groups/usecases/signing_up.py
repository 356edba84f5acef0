"""A man signs up, without an account; whoever signs up twice gets the same kind of answer and no second seat."""

from __future__ import annotations

import datetime as dt
import secrets
import uuid
from dataclasses import dataclass, replace
from typing import Any

from chassis import clock
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import Conflict, FieldError, Invalid
from chassis.requests import Call, Outcome
from chassis.sealing import DataKey
from services.groups.rules import codes, contact_check, eligible, lifecycle, queue
from services.groups.rules import delegations as rules
from services.groups.rules.lifecycle import MAN, WORKER
from services.groups.rules.queue import Place
from services.groups.store import cards, contacts, copies, delegations, queueing, seats
from services.groups.store.seats import Group
from services.groups.usecases import notifying, risks, seating
from services.groups.usecases.acts import BY_MAN, BY_SYSTEM, Act
from services.groups.usecases.showing import Check, briefly, briefly_card, view
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
    track: int = queue.VOLUNTARY
    by_subject: str | None = None
    referral_id: uuid.UUID | None = None
    due_on: dt.date | None = None
    since: dt.datetime | None = None
    replaces: uuid.UUID | None = None
    verified_at: dt.datetime | None = None
    delegation: str | None = None


def sign_up(db: Database, call: Call) -> Outcome:
    """Give a seat or a place in the queue, and the return code. Raises Invalid and Conflict."""
    body = call.body
    with db.work(call) as work:
        done = work.claimed()
        org = seats.owner(work, body["group_id"])
        if org is None or (not done and copies.is_out(work, org)):
            detail = "There is no such group."
            raise Invalid("group.unknown", detail, fields=(FieldError("/group_id", "unknown", detail),))
        sign_up_id = done or clock.new_id()
        code = code_for(work, call, sign_up_id)
        newcomer = None if done else newcomer_of(work, body, sign_up_id, code)
        with seats.inside(work, org):
            group = seats.lock_group(work, body["group_id"])
            if newcomer:
                eligible.check_age(body["age"], least=group.min_age, most=group.max_age)
            value = join(work, group, newcomer) if newcomer else again(work, group, sign_up_id)
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=None if done else sign_up_id))
        return Outcome(value={**value, "erase_at": None, "return_code": code})


def hand_over(db: Database, call: Call) -> Outcome:
    """The same for somebody on the telephone: the code comes with words to read it aloud by (groups.md, top).

    A helpline keeps nothing but the id, for a request that is repeated, and can look nothing up by it.
    """
    outcome = sign_up(db, call)
    return Outcome(value={**outcome.value, "spoken": codes.spoken(outcome.value["return_code"])})


def join(work: Work, group: Group, newcomer: Newcomer) -> dict[str, Any]:
    """Put a newcomer into a group that is locked; the owner's context is set. Returns what he is shown.

    Raises Invalid and Conflict. A second sign-up of one contact is told to staff alone; a man gets a card that looks
    like any other (decision 0010).
    """
    now = clock.now()
    group = seating.settle(work, group, now=now)
    at_once = _may_come(work, group, newcomer)
    place = queue.next_place(last_seq=group.queue_last, last_at=group.queue_at, now=now, track=newcomer.track)
    place = replace(place, waiting_since=newcomer.since or place.waiting_since)  # who comes again may keep his age
    row = _row(work, group, newcomer, now)
    if newcomer.replaces is not None:  # his code leads to the new sign-up; after all refusals, which are committed
        cards.drop(work, newcomer.replaces)
    if row["contact_mac"] is not None and seats.is_live(work, group, row["contact_mac"]):
        if newcomer.by_subject is not None:
            raise Conflict("signup.live", "This contact has a live sign-up in the group already.", allowed=())
        return _only_a_card(work, group, place, row, at_once=at_once)
    return _enter(work, group, place, row, newcomer, at_once=at_once)


def _may_come(work: Work, group: Group, newcomer: Newcomer) -> bool:
    """Whether he gets a seat at once. Raises Invalid and Conflict where he cannot even queue."""
    if newcomer.delegation is not None or group.kind in rules.KINDS:
        rules.check_named(newcomer.delegation, delegations.quotas(work, group.id))
    if newcomer.by_subject is None:
        queue.check_in_time(signing_up=group.signing_up)
    at_once = _at_once(work, group, newcomer)
    queue.admit(
        state=group.state,
        admission=group.admission,
        waiting=group.waiting,
        waitlist_limit=group.waitlist_limit,
        at_once=at_once,
    )
    eligible.check_language(group.languages, newcomer.language)
    return at_once


def _only_a_card(work: Work, group: Group, place: Place, row: dict[str, Any], *, at_once: bool) -> dict[str, Any]:
    """Somebody signs up with a contact that is live here: a card like any other; whoever has the contact is told."""
    told = lifecycle.seat_state(group.intake) if at_once else "waiting"
    cards.add(work, group, row, told_state=told, told_seq=place.queue_seq)
    known = contacts.to_warn(work, group.id, row["contact_mac"])
    if known is not None:
        notifying.tell_again(work, known)
    check = Check(way=row["contact_way"], until=row["contact_until"])
    return view(row["id"], group, told, before=group.waiting, code_only=row["code_only"], check=check)


def _enter(
    work: Work, group: Group, place: Place, row: dict[str, Any], newcomer: Newcomer, *, at_once: bool
) -> dict[str, Any]:
    now = row["at"]
    act = BY_MAN if newcomer.by_subject is None else Act(actor=WORKER, subject=newcomer.by_subject)
    group, entered = seats.enter(work, group, place, row)
    seating.tell(work, group, entered, lifecycle.SIGN_UP, now=now, act=act)
    notifying.ask(work, entered, newcomer.contact)
    if at_once:
        group, entered = seating.take(work, group, entered, "seat", now=now, act=BY_SYSTEM)
    elif group.held < group.capacity and group.gives:  # whoever waits before him is at the cap of men who were sent
        group = seating.fill(work, group, now=now)
        entered = seats.one(work, entered.id) or entered
    if newcomer.due_on is not None:
        risks.warn(work, group, entered, newcomer.due_on)
    return briefly(work, group, entered, last=newcomer.since is None and place.track == queue.VOLUNTARY)


def _at_once(work: Work, group: Group, newcomer: Newcomer) -> bool:
    free = queue.seated_at_once(capacity=group.capacity, held=group.held, waiting=group.waiting)
    if not free or not group.window_open or delegations.is_full(work, group.id, newcomer.delegation):
        return False
    return newcomer.track != queue.MANDATED or queueing.mandated_held(work, group) < group.mandated_seats


def again(work: Work, group: Group, sign_up_id: uuid.UUID) -> dict[str, Any]:
    """What is shown when the same request comes again: the sign-up as it stands now."""
    found = seats.one(work, sign_up_id)
    if found is not None:
        return briefly(work, group, found)
    return briefly_card(work, group, cards.lock(work, sign_up_id))


def pin_mac(work: Work, sign_up_id: uuid.UUID, *, code: str, pin: str) -> bytes:
    """The keyed hash of a PIN together with the code: useless without either, and without the key."""
    return work.digest("signup.pin", f"{sign_up_id} {codes.normalised(code)} {pin}")


def contact_mac(work: Work, group_id: uuid.UUID, contact: dict[str, Any] | None) -> bytes | None:
    """The keyed hash of a contact for one group, so that a second sign-up is found there and nowhere else."""
    if contact is None:
        return None
    return work.digest("signup.contact", f"{group_id} {contact['channel']}:{contact['value']}")


def _row(work: Work, group: Group, newcomer: Newcomer, now: dt.datetime) -> dict[str, Any]:
    participant_id, key, contact = clock.new_id(), newcomer.key, newcomer.contact
    mac = contact_mac(work, group.id, contact)
    way = contact_check.way(contact, now)
    awaited = way is not None and newcomer.verified_at is None
    return {
        "id": newcomer.id,
        "participant_id": participant_id,
        "key_id": key.id,
        "personal": key.seal(PERSONAL, participant_id, {"alias": newcomer.alias, "contact": contact}),
        "contact_mac": mac,
        "code_only": way is None,
        "contact_way": way,
        "contact_until": now + contact_check.TIME if awaited else None,
        "contact_verified_at": newcomer.verified_at,
        "delegation": newcomer.delegation,
        "language": newcomer.language,
        "code_mac": work.digest(CODE_PURPOSE, codes.normalised(newcomer.code)),
        "pin_mac": pin_mac(work, newcomer.id, code=newcomer.code, pin=newcomer.pin),
        "actor": MAN if newcomer.by_subject is None else WORKER,
        "subject": newcomer.by_subject,
        "referral_id": newcomer.referral_id,
        "placement_id": None if newcomer.referral_id is None else clock.new_id(),
        "due_on": newcomer.due_on,
        "at": now,
    }


def newcomer_of(work: Work, body: dict[str, Any], sign_up_id: uuid.UUID, code: str) -> Newcomer:
    """A newcomer with the key that seals him."""
    # The key is taken before the group is locked: it may need the key database, and nobody shall queue behind that.
    fields = {name: body[name] for name in ("alias", "language", "contact", "pin", "delegation")}
    return Newcomer(id=sign_up_id, code=code, key=work.keys.take(), **fields)


def code_for(work: Work, call: Call, sign_up_id: uuid.UUID) -> str:
    """The return code of a sign-up that is made by this call."""
    # With an Idempotency-Key the code is derived, so that the same request gets the same code although only its hash is
    # kept: it takes the key, the PIN and the process's secret to make it again. Without one it is random.
    if call.idempotency_key is None:
        return codes.return_code(secrets.token_bytes(8))
    text = f"{sign_up_id} {call.idempotency_key} {call.body['pin']}"
    return codes.return_code(work.digest("signup.return_code_of_key", text)[:8])
