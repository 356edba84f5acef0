"""Linking a sign-up to a person, and keeping two persons apart in every group (groups.md, top and 4, rule 9)."""

from __future__ import annotations

import uuid
from typing import Any

from chassis import clock
from chassis.apart import apart
from chassis.audit import Entry
from chassis.blind_index import hashed
from chassis.db import Database, Work
from chassis.errors import Conflict, FieldError, Invalid, NotFound
from chassis.requests import Call, Outcome
from services.groups.rules import apart as rules
from services.groups.rules.lifecycle import LIVE
from services.groups.store import apart as store
from services.groups.usecases.entering import EnteredSignUp, caller_of, enter
from services.groups.usecases.records import record_of
from services.groups.usecases.signing_up import OBJECT

PAIR = "keep_apart"
KIND = "name_year"
_LIVE = sorted(LIVE)


def link_person(db: Database, call: Call) -> Outcome:
    """Link a man to a person of the organisation, by name and year of birth, neither of which is kept.

    Raises NotFound, Stale, and Conflict where he is not live, has another live sign-up in the programme, or where the
    group is not possible for him.
    """
    with db.work(call) as work:
        done = work.claimed()
        store.lock(work, caller_of(call).org_id)
        entered = enter(work, call, done=done)
        if done is None:
            _link(work, call, entered)
        object_id = None if done else entered.sign_up.id
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=object_id))
        shown = record_of(work, entered)
        return Outcome(value=shown, version=shown["version"], relation=entered.relation)


def keep_apart(db: Database, call: Call) -> Outcome:
    """Keep two persons apart from now on. Raises Invalid, and Conflict while both are live in one group."""
    with db.work(call) as work:
        done = work.claimed()
        if done is None:
            done = _keep_apart(work, call)
        work.record(Entry(operation=call.operation, object_type=PAIR, object_id=done))
        return Outcome(value=_pair(work, done))


def listed(db: Database, call: Call) -> Outcome:
    """The pairs of the organisation, the newest first."""
    with db.work(call) as work:
        items = store.pairs(work, live=_LIVE)
        work.record(Entry(operation=call.operation, object_type=PAIR, object_id=None))
        return Outcome(value={"items": items, "next": None})


def end(db: Database, call: Call) -> Outcome:
    """Keep two persons apart no longer. Raises NotFound."""
    with db.work(call) as work:
        done, pair_id = work.claimed(), call.path["pair_id"]
        if done is None:
            store.lock(work, caller_of(call).org_id)
            if not store.end(work, pair_id):
                raise NotFound
        work.record(Entry(operation=call.operation, object_type=PAIR, object_id=None if done else pair_id))
        return Outcome(value={"id": pair_id})


def _link(work: Work, call: Call, entered: EnteredSignUp) -> None:
    sign_up, group = entered.sign_up, entered.group
    if sign_up.state not in LIVE:
        raise Conflict("signup.not_possible", f"The sign-up is {sign_up.state}.", allowed=())
    value = _value(work, group.org_id, call.body)
    if store.twice(work, group.programme_id, sign_up.id, value):
        raise Conflict("signup.same_person", "He has a seat or waits in this programme already.", allowed=())
    if store.blocked(work, group.id, sign_up.id, value):
        raise rules.not_possible()
    store.link(work, sign_up.id, value, subject=entered.caller.subject)


def _keep_apart(work: Work, call: Call) -> uuid.UUID:
    caller, body = caller_of(call), call.body
    rules.check_one(sign_up=body["other_signup_id"] is not None, person=body["other"] is not None)
    one = _linked(work, body["signup_id"], "/signup_id")
    if body["other"] is not None:
        other = _value(work, caller.org_id, body["other"])
    else:
        other = _linked(work, body["other_signup_id"], "/other_signup_id")
    low, high = rules.pair(one, other)
    store.lock(work, caller.org_id)
    if store.together(work, low, high, live=_LIVE):
        message = "Both are in one group now; one of them has to leave it or go over into another one first."
        raise Conflict("apart.together", message, allowed=())
    pair_id = clock.new_id()
    values = {"id": pair_id, "org": caller.org_id, "low": low, "high": high, "reason": body["reason"]}
    if not store.add(work, {**values, "subject": caller.subject}, live=_LIVE):
        raise Conflict("apart.known", "They are kept apart already.", allowed=())
    return pair_id


def _linked(work: Work, sign_up_id: uuid.UUID, pointer: str) -> bytes:
    value = store.person_of(work, sign_up_id)
    if value is None:
        detail = "Your organisation has no such sign-up that was linked to a person."
        raise Invalid("apart.not_linked", detail, fields=(FieldError(pointer, "unknown", detail),))
    return value


def _value(work: Work, org_id: uuid.UUID, person: dict[str, Any]) -> bytes:
    # A slow hash: some 40 ms of a core, which must not hold up the others.
    key = work.digest("person.index", str(org_id))
    return apart(hashed, key, org_id, KIND, rules.normalised(person["name"], person["birth_year"]))


def _pair(work: Work, pair_id: uuid.UUID) -> dict[str, Any]:
    found = next((each for each in store.pairs(work, live=_LIVE) if each["id"] == pair_id), None)
    if found is None:
        raise NotFound
    return found
