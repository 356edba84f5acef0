"""Members of an organisation: listed, given other roles, disabled; a disabled one is out at once."""

from __future__ import annotations

import uuid
from typing import Any

from chassis import paging
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import NotFound
from chassis.requests import Call, Outcome
from services.access.rules import members as rules
from services.access.rules import roles
from services.access.rules.members import Member
from services.access.store import invitations, partners, revocations, sessions
from services.access.store import members as store
from services.access.store.partners import Organisation
from services.access.usecases import proofs
from services.access.usecases.acting import caller_of
from services.access.usecases.invitations import COMMAND, OBJECT
from services.access.usecases.signing_in import shown
from services.access.views import members as views
from services.access.views import partners as partner_views


def list_members(db: Database, call: Call) -> Outcome:
    """The members of the caller's organisation, newest first."""
    query = call.query
    with db.work(call) as work:
        org = _own_organisation(call)
        rows = views.members(work, org.org_id, after=paging.position(query["cursor"]), limit=query["limit"] + 1)
        items = _opened(work, rows, org)
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=None, purpose="administration"))
        return Outcome(value=paging.page(items, query["limit"], by="created_at"))


def read_member(db: Database, call: Call) -> Outcome:
    """One member of the caller's organisation. Raises NotFound."""
    with db.work(call) as work:
        org = _own_organisation(call)
        member = store.by_id(work, org.org_id, call.path["member_id"])
        if member is None:
            raise NotFound
        work.record(_entry(call.operation, member.id))
        return Outcome(value=shown(work, member, org), version=member.version)


def disable(db: Database, call: Call) -> Outcome:
    """Take a member's access: his sessions end with this answer. Raises NotFound, Stale and Conflict."""
    with db.work(call) as work:
        org, done = _own_organisation(call), work.claimed()
        if done is None:
            member = _locked(work, org.org_id, call.path["member_id"])
            rules.check_version(member.version, call.expected_version)
            _disable(work, member)
        return _changed(work, call, org, done)


def set_roles(db: Database, call: Call) -> Outcome:
    """Give a member other roles and units. Raises NotFound, Stale, NotAllowed and Invalid."""
    given, units = rules.check_roles(call.body["roles"]), rules.check_units(call.body["units"])
    with db.work(call) as work:
        org, done = _own_organisation(call), work.claimed()
        if done is None:
            member = _locked(work, org.org_id, call.path["member_id"])
            rules.check_version(member.version, call.expected_version)
            own = caller_of(call).subject == rules.subject_of(member.id)
            rules.check_giving(frozenset(member.roles), given, own=own)
            store.set_roles(work, org.org_id, member.id, roles=sorted(given), units=sorted(units))
        return _changed(work, call, org, done)


def list_on_machine(db: Database, *, org_key: str) -> list[dict[str, Any]]:
    """All members of an organisation, for the command. Raises NotFound."""
    with db.background(COMMAND) as work:
        org = _named(work, org_key)
        items = _opened(work, views.members(work, org.org_id, after=(None, None), limit=paging.MOST), org)
        work.record(_entry("member.list", org.org_id))
        return items


def disable_on_machine(db: Database, *, org_key: str, login: str) -> None:
    """Disable by command. Raises NotFound and Conflict."""
    with db.background(COMMAND) as work:
        org = _named(work, org_key)
        found = store.by_login(work, org.org_id, proofs.login_mac(work, rules.normalised_login(login)))
        if found is None:
            raise NotFound("member.not_found", f"{org.key} has no member with this login.")
        _disable(work, _locked(work, org.org_id, found.id))
        work.record(_entry("member.disable", found.id))


def _disable(work: Work, member: Member) -> None:
    rules.check_disabling(member.status)
    store.disable(work, member.org_id, member.id)
    sessions.end_all(work, member.org_id, member.id)
    invitations.forget(work, member)
    revocations.revoke(work, rules.subject_of(member.id), work.now)  # the tokens of a minute that are still about


def _changed(work: Work, call: Call, org: Organisation, done: uuid.UUID | None) -> Outcome:
    member = store.by_id(work, org.org_id, call.path["member_id"])
    if member is None:
        raise NotFound
    work.record(_entry(call.operation, None if done else member.id))
    return Outcome(value=shown(work, member, org), version=member.version)


def _opened(work: Work, rows: list[Member], org: Organisation) -> list[dict[str, Any]]:
    """Members with their names; one whose key was destroyed is left out."""
    keys = work.keys.fetch([row.key_id for row in rows]) if rows else {}
    return [
        views.member_shown(
            row, org_key=org.key, personal=keys[row.key_id].unseal(proofs.PERSONAL, row.id, row.personal)
        )
        for row in rows
        if row.key_id in keys
    ]


def _locked(work: Work, org_id: uuid.UUID, member_id: uuid.UUID) -> Member:
    member = store.lock(work, org_id, member_id)
    if member is None:
        raise NotFound
    return member


def _named(work: Work, org_key: str) -> Organisation:
    org = partners.organisation(work, org_key)
    if org is None:
        raise roles.unknown_organisation(org_key, partner_views.organisation_keys(work))
    return org


def _own_organisation(call: Call) -> Organisation:
    caller = caller_of(call)
    return Organisation(org_id=caller.org_id, key=caller.org_key, status=roles.ACTIVE)


def _entry(operation: str, object_id: uuid.UUID | None) -> Entry:
    return Entry(operation=operation, object_type=OBJECT, object_id=object_id, purpose="administration")
