"""A man's contact is confirmed: by the digits of a mail and his card, or by a worker who spoke with him."""

from __future__ import annotations

import hmac
import uuid
from functools import partial

from chassis import clock
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import Conflict, Refused
from chassis.requests import Call, Outcome
from services.groups import views
from services.groups.rules import contact_check as rules
from services.groups.rules.lifecycle import LIVE
from services.groups.store import cards, contacts, seats
from services.groups.store.cards import Card
from services.groups.store.seats import Group
from services.groups.usecases import notifying, seating
from services.groups.usecases.entering import enter_group
from services.groups.usecases.own import by_card
from services.groups.usecases.records import sealed_of
from services.groups.usecases.showing import shown, shown_card

PURPOSE = "signup.contact_digits"


def digits_of(work: Work, sign_up_id: uuid.UUID) -> str:
    """The digits that confirm the contact of a sign-up."""
    return rules.digits(work.digest(PURPOSE, str(sign_up_id)))


def confirm(db: Database, call: Call) -> Outcome:
    """Confirm by the digits of the mail, or without digits have them sent again, once an hour.

    Raises NotFound for a wrong code or PIN, and Conflict for wrong digits.
    """
    digits = call.body["digits"]
    return by_card(db, call, _send_again if digits is None else partial(_confirm, digits=digits))


def call_list(db: Database, call: Call) -> Outcome:
    """Whom somebody has to ring in a group, and what about; each number is a look of its own. Raises NotFound."""
    with db.work(call) as work:
        entered = enter_group(work, call, call.path["group_id"])
        rows = contacts.to_call(work, entered.group.id)
        keys = work.keys.fetch([row["key_id"] for row in rows]) if rows else {}
        items = [{**row, "alias": views.alias_of(keys, row)} for row in rows if row["key_id"] in keys]
        work.record(Entry(operation=call.operation, object_type="group", object_id=entered.group.id))
        return Outcome(value={"items": items, "next": None}, relation=entered.relation)


def _confirm(work: Work, group: Group, card: Card, *, digits: str) -> Outcome | Refused:
    sign_up = seats.one(work, card.sign_up_id)
    try:
        rules.check_tries(card.wrong_digits)
    except Conflict as refused:
        return refused
    asked = sign_up is not None and sign_up.contact_way == rules.MAIL
    if sign_up is None or not asked or not hmac.compare_digest(digits, digits_of(work, sign_up.id)):
        cards.wrong(work, card)
        return rules.wrong_digits()
    if sign_up.state in LIVE:
        sign_up = contacts.confirm(work, sign_up)
        group = seating.fill(work, group, now=clock.now())
        sign_up = seats.one(work, sign_up.id) or sign_up
    return Outcome(value=shown(work, group, sign_up))


def _send_again(work: Work, group: Group, card: Card) -> Outcome | Refused:
    sign_up = seats.one(work, card.sign_up_id)
    if sign_up is None:
        return Outcome(value=shown_card(work, group, card))
    asked_at = contacts.asked_at(work, sign_up.id)
    late = asked_at is None or asked_at + rules.AGAIN_AFTER <= work.now
    if sign_up.contact_until is not None and late and sign_up.state in LIVE:
        notifying.ask(work, sign_up, sealed_of(work, sign_up.id)["contact"])
    return Outcome(value=shown(work, group, sign_up))
