"""Where an organisation hears of news: its addresses, each confirmed by a code that was mailed to it."""

from __future__ import annotations

import datetime as dt
import secrets
import uuid
from typing import Any

from chassis import clock
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import Conflict, FieldError, Invalid
from chassis.messages import outbox
from chassis.requests import Call, Outcome
from services.referrals.rules import notifying
from services.referrals.rules.message_rights import RUNNING
from services.referrals.store import notifications
from services.referrals.store.notifications import NewAddress
from services.referrals.usecases.entering import OBJECT, caller_of, enter
from services.referrals.usecases.notifying import tell_person

SETTINGS = "notification_settings"
ADDRESS = "notification_address"
SIGNS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 10
"""Fifty bits: nobody guesses one in three days, however often he asks."""

CODE_DAYS = 3
CODES_A_DAY = 100
Key = tuple[bytes, str | None]


def settings(db: Database, call: Call) -> Outcome:
    """The organisation's addresses."""
    with db.work(call) as work:
        return _shown(work, "notification.read")


def save(db: Database, call: Call) -> Outcome:
    """Set the organisation's addresses; a new one is mailed a code and counts when that comes back.

    Raises Invalid for an address that is named twice, Conflict when too many codes were sent today.
    """
    with db.work(call) as work:
        if work.claimed() is not None:
            return _shown(work, "notification.set", outcome="repeated")
        notifications.hold(work)
        wanted = _wanted(work, call.body["addresses"])
        standing = {_key(row): row for row in notifications.addresses(work) if _stays(work, row)}
        kept = {key: row for key, row in standing.items() if key in wanted}
        notifications.remove(work, [row["id"] for row in notifications.addresses(work) if _key(row) not in kept])
        for key, row in kept.items():
            notifications.change(work, row["id"], language=wanted[key]["language"], kinds=_kinds(wanted[key]))
        _add(work, {key: each for key, each in wanted.items() if key not in kept})
        return _shown(work, "notification.set")


def confirm(db: Database, call: Call) -> Outcome:
    """Let an address count: somebody who reads it gave the code. Raises Invalid for a code that is none or too old."""
    with db.work(call) as work:
        if work.claimed() is not None:
            return _shown(work, "notification.confirm", outcome="repeated")
        found = notifications.waiting(work, _code_mac(work, _plain(call.body["code"])))
        if found is None:
            message = "This code is not one that waits here; it counts for three days, and once."
            raise Invalid("code.unknown", message, fields=(FieldError("/code", "code.unknown", message),))
        key = work.keys.fetch([found["key_id"]])[found["key_id"]]
        opened = key.unseal(notifications.SEALED, found["id"], found["sealed"])
        sealed = key.seal(notifications.SEALED, found["id"], {"address": opened["address"]})
        notifications.confirm(work, found["id"], sealed)
        return _shown(work, "notification.confirm")


def messages(db: Database, call: Call) -> Outcome:
    """What became of the organisation's own messages about a referral, newest first. Raises NotFound."""
    with db.work(call) as work:
        entered = enter(work, call.path["referral_id"], "referral.messages")
        work.record(Entry(operation="referral.messages", object_type=OBJECT, object_id=entered.row["id"]))
        return _messages(work, entered.row["id"], entered.relation)


def message(db: Database, call: Call) -> Outcome:
    """Let the person know that there is something, if a safe channel allows it. Raises NotFound, Conflict."""
    with db.work(call) as work:
        done = work.claimed()
        entered = enter(work, call.path["referral_id"], "referral.message")
        if done is None:
            _check_running(entered.row["state"])
            tell_person(work, entered.row["id"], notifying.TO_PERSON[call.body["kind"]])
        outcome = "done" if done is None else "repeated"
        entry = Entry(operation="referral.message", object_type=OBJECT, object_id=entered.row["id"], outcome=outcome)
        work.record(entry)
        newest = outbox.of_object(work, entered.row["id"])[0]
        return Outcome(value=_message(newest), relation=entered.relation)


def _check_running(state: str) -> None:
    if state not in RUNNING:
        message = f"A message to the person is not possible; the referral is {state}."
        raise Conflict("referral.not_possible", message)


def _messages(work: Work, referral_id: uuid.UUID, relation: str) -> Outcome:
    items = [_message(row) for row in outbox.of_object(work, referral_id)]
    return Outcome(value={"items": items, "next": None}, relation=relation)


def _message(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "to": "person" if row["to_person"] else "organisation"}


def _shown(work: Work, operation: str, *, outcome: str = "done") -> Outcome:
    """The settings as they are now, for those who keep them; on record, as every look at what is sealed."""
    org = caller_of(work).org_id
    work.record(Entry(operation=operation, object_type=SETTINGS, object_id=org, outcome=outcome))
    rows = notifications.addresses(work)
    keys = work.keys.fetch([row["key_id"] for row in rows])
    found = [
        {
            **row,
            "kinds": [word for word, kind in notifying.CHOICES.items() if kind in row["kinds"]],
            "address": keys[row["key_id"]].unseal(notifications.SEALED, row["id"], row["sealed"])["address"],
        }
        for row in rows
    ]
    return Outcome(value={"addresses": found})


def _wanted(work: Work, given: list[dict[str, Any]]) -> dict[Key, dict[str, Any]]:
    wanted: dict[Key, dict[str, Any]] = {}
    for place, each in enumerate(given):
        key = (work.digest("notification_address", each["address"].strip().casefold()), each["service_kind"])
        if key in wanted:
            message = "This address stands here twice for the same kind of service."
            field = FieldError(f"/addresses/{place}/address", "address.repeated", message)
            raise Invalid("body.invalid", message, fields=(field,))
        wanted[key] = each
    return wanted


def _stays(work: Work, row: dict[str, Any]) -> bool:
    """One whose code ran out begins anew when it is set again."""
    return row["confirmed_at"] is not None or row["code_until"] > work.now


def _key(row: dict[str, Any]) -> Key:
    return bytes(row["address_mac"]), row["service_kind"]


def _kinds(each: dict[str, Any]) -> list[str]:
    return [notifying.CHOICES[word] for word in each["kinds"]]


def _add(work: Work, new: dict[Key, dict[str, Any]]) -> None:
    if new and notifications.codes_sent(work, work.now - dt.timedelta(days=1)) + len(new) > CODES_A_DAY:
        raise Conflict("notification.too_many_codes", "Too many codes were mailed today; go on tomorrow.")
    for (mac, service_kind), each in new.items():
        address_id, key = clock.new_id(), work.keys.take()
        code = "".join(secrets.choice(SIGNS) for _ in range(CODE_LENGTH))
        address = NewAddress(
            id=address_id,
            service_kind=service_kind,
            language=each["language"],
            kinds=_kinds(each),
            address_mac=mac,
            key_id=key.id,
            sealed=key.seal(
                notifications.SEALED, address_id, {"address": each["address"].strip(), "code": _spaced(code)}
            ),
            code_mac=_code_mac(work, code),
            code_until=work.now + dt.timedelta(days=CODE_DAYS),
        )
        notifications.add(work, address)
        proof = outbox.Message(
            kind=notifying.CONFIRM, object_type=ADDRESS, object_id=address_id, recipient_id=address_id
        )
        outbox.queue(work, proof)


def _code_mac(work: Work, code: str) -> bytes:
    return work.digest("notification_code", f"{caller_of(work).org_id} {code}")


def _plain(code: str) -> str:
    return code.upper().replace("-", "").replace(" ", "")


def _spaced(code: str) -> str:
    return f"{code[:5]}-{code[5:]}"
