"""How a member of staff comes to a group or a sign-up of the own organisation: lock, relation, rights."""

from __future__ import annotations

import contextlib
import uuid
from dataclasses import dataclass

from chassis.db import Work
from chassis.errors import FieldError, Invalid, NotFound, Stale, Unauthenticated
from chassis.identity import Caller
from chassis.requests import Call
from services.groups.rules import grouping
from services.groups.rules.relations import relation_of
from services.groups.store import groups, seats
from services.groups.store.seats import Group, SignUp


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """A group that a caller may do something with: under its lock, and where he stands to it."""

    caller: Caller
    relation: str
    group: Group


@dataclass(frozen=True, slots=True, kw_only=True)
class EnteredSignUp(Entered):
    """The same for one sign-up of it."""

    sign_up: SignUp


def enter_group(work: Work, call: Call, group_id: uuid.UUID) -> Entered:
    """Lock a group of the caller's organisation for the call's operation.

    Raises NotFound alike for no such group, one of another organisation and one that he has no right to.
    """
    caller = caller_of(call)
    group = seats.lock_group(work, group_id)
    relation = relation_to(work, group_id, caller)
    grouping.check(call.operation, caller.roles, relation)
    return Entered(caller=caller, relation=relation, group=group)


def enter_both(work: Work, call: Call, other_id: uuid.UUID) -> tuple[Entered, Group | None]:
    """Lock the path's group and another one of the same organisation, always in the order of their ids.

    Raises NotFound for the group of the path as `enter_group` does; None for another one that is not known here.
    """
    locked: dict[uuid.UUID, Group] = {}
    for group_id in sorted({call.path["group_id"], other_id}):
        with contextlib.suppress(NotFound):
            locked[group_id] = seats.lock_group(work, group_id)
    entered = enter_group(work, call, call.path["group_id"])
    return entered, locked.get(other_id)


def known(other: Group | None) -> Group:
    """The other group of `enter_both`. Raises Invalid where the organisation has none of that id."""
    if other is None:
        detail = "Your organisation has no such group."
        raise Invalid("group.unknown", detail, fields=(FieldError("/group_id", "unknown", detail),))
    return other


def enter(work: Work, call: Call, *, done: uuid.UUID | None = None) -> EnteredSignUp:
    """Lock the group of a path, and the sign-up of it, for the call's operation.

    Raises NotFound as `enter_group` does, and Stale where the call names another version of the sign-up; a request that
    was `done` before is not compared.
    """
    entered = enter_group(work, call, call.path["group_id"])
    sign_up = seats.one(work, call.path["signup_id"])
    if sign_up is None or sign_up.group_id != entered.group.id:
        raise NotFound
    if done is None and call.expected_version not in {None, sign_up.version}:
        raise Stale("signup.stale", f"The sign-up is at version {sign_up.version} now; read it again.")
    return EnteredSignUp(caller=entered.caller, relation=entered.relation, group=entered.group, sign_up=sign_up)


def relation_to(work: Work, group_id: uuid.UUID, caller: Caller) -> str:
    """Where a caller of the owning organisation stands to a group."""
    leads = groups.leads(work, group_id, caller.subject)
    return relation_of(leads=leads, is_system=caller.is_system)


def caller_of(call: Call) -> Caller:
    """Who asks. Raises Unauthenticated."""
    if call.caller is None:
        raise Unauthenticated("token.missing", "An access token is needed.")
    return call.caller
