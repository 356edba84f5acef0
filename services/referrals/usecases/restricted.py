"""The restricted part on victim or partner: read and written by partner safety alone, through no other door."""

from __future__ import annotations

import uuid
from typing import Any

from chassis import clock
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import NotFound, Stale
from chassis.keyed_ids import id_of_key
from chassis.requests import Call, Outcome
from services.referrals.rules import partner_side
from services.referrals.store import restricted as store
from services.referrals.usecases.entering import caller_of, enter

OBJECT = "restricted_part"
EMPTY: dict[str, Any] = {
    "version": 0,
    "protected_persons": [],
    "incident_address": None,
    "incident_at": None,
    "prohibited_places": [],
    "judgments": [],
    "partner_note": None,
    "partner_step": "open",
}


def read(db: Database, call: Call) -> Outcome:
    """The restricted part of the caller's organisation. Raises NotFound for everybody on the man's side."""
    with db.work(call) as work:
        referral_id, relation = _entered(work, call, "restricted.read")
        work.record(Entry(operation="restricted.read", object_type=OBJECT, object_id=apart(referral_id)))
        return _shown(work, referral_id, relation)


def write(db: Database, call: Call) -> Outcome:
    """Put the restricted part as it shall stand. Raises NotFound, Stale."""
    with db.work(call) as work:
        done = work.claimed()
        referral_id, relation = _entered(work, call, "restricted.write")
        if done is None:
            _write(work, call, referral_id)
        outcome = "done" if done is None else "repeated"
        entry = Entry(operation="restricted.write", object_type=OBJECT, object_id=apart(referral_id), outcome=outcome)
        work.record(entry)
        return _shown(work, referral_id, relation)


def bring(work: Work, referral_id: uuid.UUID, org: uuid.UUID, content: dict[str, Any], *, by: str) -> None:
    """Put what a message brought on victim or incident into the restricted part of the organisation that gets it."""
    key, part_id = work.keys.take(), clock.new_id()
    kept = {name: value for name, value in EMPTY.items() if name not in {"version", "partner_step"}}
    sealed = key.seal(store.CONTENT, part_id, {**kept, **content})
    written = {"part_id": part_id, "key_id": key.id, "content": sealed, "partner_step": "open", "by": by, "version": 0}
    store.write_for(work, referral_id, org, written)


def is_partners(work: Work, referral_id: uuid.UUID) -> bool:
    """Whether the caller comes to this case as partner safety; from now on he is on that side of it.

    Raises NotFound for a member who has worked on the man's side.
    """
    caller = caller_of(work)
    if partner_side.PARTNER_SAFETY not in caller.roles or caller.roles & partner_side.MANS_SIDE:
        return False
    if store.is_on_mans_side(work, referral_id, caller.subject):
        raise NotFound
    store.take_partners_side(work, referral_id, caller.subject)
    return True


def apart(referral_id: uuid.UUID) -> uuid.UUID:
    """The id under which it is on record: that of the man's case, and his copy of it, do not say that there is any."""
    return id_of_key("restricted", str(referral_id))


def _entered(work: Work, call: Call, operation: str) -> tuple[uuid.UUID, str]:
    caller = caller_of(work)
    partner_side.check_roles(caller.roles)
    entered = enter(work, call.path["referral_id"], operation)
    referral_id: uuid.UUID = entered.row["id"]
    if store.is_on_mans_side(work, referral_id, caller.subject):
        raise NotFound
    store.take_partners_side(work, referral_id, caller.subject)
    return referral_id, entered.relation


def _write(work: Work, call: Call, referral_id: uuid.UUID) -> None:
    before = store.of_referral(work, referral_id)
    version = before["version"] if before else 0
    if call.expected_version != version:
        raise Stale("restricted.stale", f"The restricted part is at version {version} now; read it again.")
    key = work.keys.fetch([before["key_id"]])[before["key_id"]] if before else work.keys.take()
    part_id = before["part_id"] if before else clock.new_id()
    content = {name: value for name, value in call.body.items() if name != "partner_step"}
    written = {
        "part_id": part_id,
        "key_id": key.id,
        "content": key.seal(store.CONTENT, part_id, content),
        "partner_step": call.body["partner_step"],
        "by": caller_of(work).subject,
        "version": version,
    }
    store.write(work, referral_id, written)


def _shown(work: Work, referral_id: uuid.UUID, relation: str) -> Outcome:
    found = store.of_referral(work, referral_id)
    if found is None:
        return Outcome(value={**EMPTY, "id": referral_id}, version=0, relation=relation)
    content = work.keys.open(found["key_id"], store.CONTENT, found["part_id"], found["content"])
    value = {**EMPTY, **content, **{name: found[name] for name in ("id", "version", "partner_step")}}
    return Outcome(value=value, version=found["version"], relation=relation)
