"""Who gets a message of this service, asked at the moment of sending: the man's channel as it is now, and the gate."""

from __future__ import annotations

from typing import Any

from chassis.db import Work
from chassis.errors import NotFound
from chassis.messages.gate import decide
from chassis.messages.kinds import CARRIED, KINDS
from chassis.messages.recipients import Drop, Hold, Row, Send
from services.groups.rules import contact_check
from services.groups.store import contacts
from services.groups.usecases.contact_checks import digits_of
from services.groups.usecases.records import sealed_of


def recipient(work: Work, row: Row) -> Send | Hold | Drop:
    """Read what is needed, in the context of the organisation that owns the group."""
    found = contacts.standing(work, row.object_id)
    try:
        told = sealed_of(work, row.object_id)["contact"]
    except NotFound:
        return Drop("no_contact")
    over = _over(row.kind, found)
    return Drop(over) if over else _passed(work, row, told, found)


def _over(kind: str, found: dict[str, Any]) -> str:
    """Why nobody needs this message any more; empty where he does."""
    if kind == contact_check.CONFIRM and found["contact_until"] is None:
        return "contact_confirmed"
    return "answered" if kind == contact_check.REMINDER and found["state"] != "offered" else ""


def _passed(work: Work, row: Row, told: dict[str, Any] | None, found: dict[str, Any]) -> Send | Hold | Drop:
    his = contact_check.contact(told, verified_at=found["contact_verified_at"], language=found["language"])
    said = decide(KINDS[row.kind], his, work.now, carried=CARRIED)
    if said.channel is None or said.at is None:
        return Drop(said.refused)
    if said.at > work.now:
        return Hold(said.at)
    code = {"code": digits_of(work, row.object_id)} if row.kind == contact_check.CONFIRM else {}
    return Send(address=said.channel.value, language=found["language"], alias=said.alias, parameters=code)
