"""The way into a case: who stands where towards it, and what he sees of it, by the table of rights."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chassis import paging
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import NotFound, Unauthenticated
from chassis.identity import Caller
from chassis.requests import Call, Outcome
from services.referrals import views
from services.referrals.rules import rights
from services.referrals.rules.lifecycle import CHILD_CONCERN, SENDER, Standing
from services.referrals.store import members
from services.referrals.store.legs import CASE_HANDLING
from services.referrals.store.opening import CASE_PERSONAL, RECORD_PERSONAL
from services.referrals.usecases.appearing import parts
from services.referrals.views.viewer import Viewer

OBJECT = "referral"
CASE_WORK = "case_work"
Rows = Callable[[Work, Viewer, dict[str, Any]], list[dict[str, Any]]]


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
    concern = side == SENDER and row["kind"] == CHILD_CONCERN
    case = rights.Closeness(**{name: row[name] for name in names}, member=frozenset(row["member"]), concern=concern)
    return rights.relation(side, rights.standing(case, subject=caller.subject, units=caller.units))


def enter(work: Work, referral_id: uuid.UUID, operation: str, *, reason: str | None = None) -> Entered:
    """Look at a case for an operation; a look from outside its unit is noted for the leads.

    Raises NotFound, and NotAllowed where the caller may know of the case but not do this.
    """
    caller = caller_of(work)
    row = views.row_of(work, referral_id, caller.subject)
    at = relation_to(caller, row, row["side"])
    outside = rights.check(operation, caller.roles, at, reason=reason)
    rights.check_open(operation, row["locked_at"])
    if not outside:
        return Entered(row=row, relation=at)
    purpose = reason or CASE_WORK
    members.note_outside(work, row["id"], side=row["side"], subject=caller.subject, reason=purpose)
    return Entered(row=row, relation=at, purpose=purpose)


def shown(work: Work, entered: Entered, operation: str = "referral.read") -> Outcome:
    """The referral as this caller sees it; what he does not see, or nobody may any more, is not opened either."""
    row, roles = entered.row, caller_of(work).roles
    visible = rights.POLICY.visible(operation, roles, entered.relation)
    content: dict[str, Any] = {}
    if (visible is None or visible & rights.PERSONAL) and row["locked_at"] is None:
        content = _opened(work, row)
    actions = rights.open_actions(roles, entered.relation, standing_of(row))
    value = {**views.shown(row, content), "allowed_actions": list(actions)}
    if content:
        value |= parts(work, row)
    if visible is not None:
        value = {name: each for name, each in value.items() if name in visible}
    return Outcome(value=value, version=row["version"], location=f"/referrals/{row['id']}", relation=entered.relation)


def content_of(work: Work, entered: Entered) -> dict[str, Any]:
    """What a case says of the person, opened for whoever was let in."""
    return _opened(work, entered.row)


def found(work: Work, referral_id: uuid.UUID, operation: str = "referral.read") -> Outcome:
    """The referral after something was done with it, as the operation's own rights show it. Raises NotFound."""
    caller = caller_of(work)
    row = views.row_of(work, referral_id, caller.subject)
    at = relation_to(caller, row, row["side"])
    rights.check(operation, caller.roles, at)  # a repeat is answered under the rights of today
    return shown(work, Entered(row=row, relation=at), operation)


def listed(db: Database, call: Call, operation: str, side: str, rows: Rows, *, by: str) -> Outcome:
    """One page of a work list, in the order of the time column `by`."""
    with db.work(call) as work:
        viewer, beyond = viewer_of(work, operation, side)
        query = call.query
        at, after = paging.position(query["cursor"])
        found_rows = rows(work, viewer, {**query, "at": at, "after": after, "limit": query["limit"] + 1})
        work.record(Entry(operation=operation, object_type=OBJECT, object_id=None))
        relation = rights.relation(side, rights.OTHER_UNIT if beyond else rights.WHOLE_SIDE)
        # no field that is not his on every line
        return Outcome(value=paging.page(found_rows, query["limit"], by=by), relation=relation)


def viewer_of(work: Work, operation: str, side: str) -> tuple[Viewer, bool]:
    """Who reads a list, and whether it goes over the borders of his units."""
    caller = caller_of(work)
    beyond = bool(caller.units) and rights.sees_all_units(operation, caller.roles, side)
    return Viewer(subject=caller.subject, units=caller.units, all_units=beyond or not caller.units), beyond


def _opened(work: Work, row: dict[str, Any]) -> dict[str, Any]:
    place = RECORD_PERSONAL if row["side"] == SENDER else CASE_PERSONAL
    content = work.keys.open(row["key_id"], place, row["id"], row["personal"])
    handling = row["handling"] and work.keys.open(row["key_id"], CASE_HANDLING, row["id"], row["handling"])
    return {**content, "handling": handling}


def standing_of(row: dict[str, Any]) -> Standing:
    """How the organisation's own row of `views.row_of` stands."""
    names = ("state", "kind", "held_from", "held_by", "last_transition")
    return Standing(**{name: row[name] for name in names})


def _caller(call: Call | None) -> Caller:
    if call is None:
        raise NotFound
    if call.caller is None:
        raise Unauthenticated("token.missing", "An access token is needed.")
    return call.caller
