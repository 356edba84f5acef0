"""A sign-up as its staff see it: the roster's line, what the programme still asks for, the conversation's record."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from typing import Any

from chassis.db import Work
from chassis.errors import NotFound
from services.groups import views
from services.groups.rules.lifecycle import allowed_actions
from services.groups.rules.staff_rights import actors_of
from services.groups.store import intake as entries
from services.groups.store import referred, remarks
from services.groups.usecases.attendance import tallies
from services.groups.usecases.entering import EnteredSignUp
from services.groups.views import PERSONAL


def record_of(work: Work, entered: EnteredSignUp) -> dict[str, Any]:
    """All of a sign-up; what a role may not see of it the table of rights takes away at the door."""
    sign_up_id = entered.sign_up.id
    row = views.sign_up(work, sign_up_id)
    if row is None:
        raise NotFound
    asked, _ = entries.asked(work, sign_up_id)
    given = entries.given(work, sign_up_id)
    record = views.record(work, sign_up_id)
    record["entries"] = [_entry(work, sign_up_id, each) for each in record["entries"]]
    shown = [{"code": each.code, "version": each.version} for each in given]
    missing = [{"code": each.code, "version": each.version} for each in asked if each not in given]
    return {
        **line(work, row, actors=actors_of(entered.caller.roles, entered.relation)),
        **record,
        "consents": shown,
        "missing_consents": missing,
        "attendance": tally_of(work, entered),
        "report": report_of(work, sign_up_id),
        "remarks": remarks.of_man(work, sign_up_id, "note", "message"),
    }


def _entry(work: Work, sign_up_id: uuid.UUID, row: dict[str, Any]) -> dict[str, Any]:
    nothing = {"outcome": None, "next_step": None, "next_id": None}
    if row["content"] is None:
        return {**row, **nothing}
    opened = entries.key_of(work, sign_up_id).unseal(entries.CONTENT, row["id"], row["content"])
    return {**row, **nothing, **opened}


def tally_of(work: Work, entered: EnteredSignUp) -> dict[str, Any] | None:
    """His figures so far; None before anything is on record."""
    found = tallies(work, entered.group.id, entered.sign_up.id).get(entered.sign_up.id)
    if found is None:
        return None
    shares = {"attended_share": found.attended_share, "commitment_share": found.commitment_share}
    return {**asdict(found), **shares}


def report_of(work: Work, sign_up_id: uuid.UUID) -> dict[str, Any] | None:
    """The newest report that was signed at least once."""
    found = referred.report(work, sign_up_id)
    if found is None:
        return None
    return {**found, "report_id": found["id"], "signatures": 1 if found["second_at"] is None else 2}


def line(work: Work, row: dict[str, Any], *, actors: frozenset[str]) -> dict[str, Any]:
    """A row of the roster with the alias opened, and what these actors may do."""
    keys = work.keys.fetch([row["key_id"]])
    alias = views.alias_of(keys, row) if row["key_id"] in keys else ""
    return {**row, "alias": alias, "allowed_actions": actions_of(row["state"], actors)}


def actions_of(state: str, actors: frozenset[str]) -> list[str]:
    """What any of these actors may do from a state."""
    return list(dict.fromkeys(name for actor in sorted(actors) for name in allowed_actions(state, actor)))


def sealed_of(work: Work, sign_up_id: uuid.UUID) -> dict[str, Any]:
    """Alias and contact of a man, opened. Raises NotFound when nothing is kept of him any more."""
    row = views.sign_up(work, sign_up_id)
    keys = work.keys.fetch([row["key_id"]]) if row else {}
    if row is None or row["key_id"] not in keys:
        raise NotFound
    found: dict[str, Any] = keys[row["key_id"]].unseal(PERSONAL, row["participant_id"], row["personal"])
    return found
