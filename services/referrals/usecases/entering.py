"""The way into a case: who stands where towards it, and what he sees of it, by the table of rights."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from chassis.db import Work
from chassis.errors import NotFound, Unauthenticated
from chassis.identity import Caller
from chassis.requests import Call, Outcome
from services.referrals import store, views
from services.referrals.rules import rights
from services.referrals.rules.lifecycle import SENDER
from services.referrals.store import members

CASE_WORK = "case_work"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """The organisation's row, the caller's relation to it, and the purpose for the record."""

    row: dict[str, Any]
    relation: str
    purpose: str = CASE_WORK


def caller_of(work: Work) -> Caller:
    """Who asks. Raises Unauthenticated."""
    return _caller(work.call)


def relation_to(caller: Caller, row: dict[str, Any], side: str) -> str:
    """The caller's relation to his organisation's row of a case, whose columns say who may open it."""
    names = ("unit", "worker", "restricted")
    case = rights.Closeness(**{name: row[name] for name in names}, member=frozenset(row["member"]))
    return rights.relation(side, rights.standing(case, subject=caller.subject, units=caller.units))


def enter(work: Work, referral_id: uuid.UUID, operation: str, *, reason: str | None = None) -> Entered:
    """Look at a case for an operation; a look from outside its unit is noted for the leads.

    Raises NotFound, and NotAllowed where the caller may know of the case but not do this.
    """
    caller = caller_of(work)
    row = views.row_of(work, referral_id, caller.subject)
    at = relation_to(caller, row, row["side"])
    if not rights.check(operation, caller.roles, at, reason=reason):
        return Entered(row=row, relation=at)
    purpose = reason or CASE_WORK
    members.note_outside(work, row["id"], side=row["side"], subject=caller.subject, reason=purpose)
    return Entered(row=row, relation=at, purpose=purpose)


def shown(work: Work, entered: Entered) -> Outcome:
    """The referral as this caller sees it; what he does not see is not opened either."""
    row, roles = entered.row, caller_of(work).roles
    visible = rights.POLICY.visible("referral.read", roles, entered.relation)
    personal: dict[str, Any] | None = None
    handling: dict[str, Any] | None = None
    actions: tuple[str, ...] = ()
    if visible is None or visible & rights.PERSONAL:
        place = store.RECORD_PERSONAL if row["side"] == SENDER else store.CASE_PERSONAL
        personal = work.keys.open(row["key_id"], place, row["id"], row["personal"])
        if row["handling"] is not None:
            handling = work.keys.open(row["key_id"], store.CASE_HANDLING, row["id"], row["handling"])
        actions = rights.open_actions(roles, entered.relation, state=row["state"], kind=personal["kind"])
    value = views.shown(row, personal, handling, actions)
    return Outcome(value=value, version=row["version"], location=f"/referrals/{row['id']}", relation=entered.relation)


def found(work: Work, referral_id: uuid.UUID) -> Outcome:
    """The referral after something was done with it. Raises NotFound."""
    return shown(work, enter(work, referral_id, "referral.read"))


def _caller(call: Call | None) -> Caller:
    if call is None:
        raise NotFound
    if call.caller is None:
        raise Unauthenticated("token.missing", "An access token is needed.")
    return call.caller
