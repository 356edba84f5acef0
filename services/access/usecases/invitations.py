"""Invitations: how a person comes in, by a link that works once; password and second factor are his own choice."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from chassis import clock, hashing
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import Conflict, NotAllowed
from chassis.requests import Call, Outcome
from services.access.rules import members as rules
from services.access.rules import passwords, roles, sessions
from services.access.rules.members import Member
from services.access.store import invitations as store
from services.access.store import members, partners
from services.access.store import sessions as session_store
from services.access.store.invitations import Found, Invitation
from services.access.store.partners import Organisation
from services.access.usecases import proofs
from services.access.usecases.acting import as_person, caller_of, new_token, token_hash
from services.access.usecases.signing_in import shown
from services.access.views import partners as partner_views

OBJECT = "member"
COMMAND = "command:member"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """A member and his token; the token is nowhere else."""

    member_id: uuid.UUID
    token: str
    expires_at: dt.datetime


def invite_on_machine(
    db: Database, *, org_key: str, login: str, name: str | None, wanted: Collection[str], units: Collection[str]
) -> Invited:
    """Invite by command, with any role of people: so the first administrators come in.

    Raises NotFound, Conflict for an active member or an organisation that is not active, and Invalid.
    """
    row = _row(login, name, rules.check_roles(wanted), rules.check_units(units))
    with db.background(COMMAND) as work:
        org = partners.organisation(work, org_key)
        if org is None:
            raise roles.unknown_organisation(org_key, partner_views.organisation_keys(work))
        roles.check_status(org.key, org.status)
        made = _invite(work, org.org_id, row, reserved=True)
        work.record(_entry("member.invite", made.member_id))
        return made


def invite(db: Database, call: Call) -> Outcome:
    """Invite somebody into the caller's organisation; the token is answered this once.

    Raises Conflict for an active member, NotAllowed for reserved roles, and Invalid.
    """
    body, caller = call.body, caller_of(call)
    row = _row(body["login"], body["name"], rules.check_roles(body["roles"]), rules.check_units(body["units"]))
    with db.work(call) as work:
        done = work.claimed()
        made = None if done else _invite(work, caller.org_id, row, reserved=False)
        member_id = made.member_id if made else done
        member = members.by_id(work, caller.org_id, member_id) if member_id else None
        if member is None:
            raise sessions.invitation_gone()
        work.record(_entry(call.operation, None if done else member.id))
        org = Organisation(org_id=caller.org_id, key=caller.org_key, status=roles.ACTIVE)
        once = {"token": made.token if made else None, "expires_at": made.expires_at if made else None}
        value = {"member": shown(work, member, org), **once}
        return Outcome(value=value, version=member.version, location=f"/access/members/{member.id}")


def accept(db: Database, call: Call) -> Outcome:
    """Choose a password; answers what an authenticator reads. Raises NotFound and Invalid."""
    found, org = _found(db, call)
    named = as_person(call, org, found.member_id)
    with db.work(named) as work:
        _, member = _open(work, found)
        login = proofs.personal_of(work, member)["login"]
    passwords.check_password(call.body["password"], common=proofs.common_passwords(), names=(login, org.key))
    password_hash = hashing.hashed(passwords.comparable(call.body["password"]))
    with db.work(named) as work:
        _, member = _open(work, found)
        secret, sealed = proofs.new_secret(work.keys.fetch([member.key_id])[member.key_id], member)
        store.choose(work, found, password_hash=password_hash, totp=sealed)
        work.record(_entry(call.operation, member.id))
        return Outcome(value={"otpauth_uri": proofs.authenticator_uri(secret, login)})


def confirm(db: Database, call: Call) -> Outcome:
    """Prove the second factor by a first code; answers ten recovery codes, this once.

    Raises NotFound, Conflict before a password was chosen, and NotAllowed for a wrong code.
    """
    found, org = _found(db, call)
    codes: list[str] | None = None
    with db.work(as_person(call, org, found.member_id)) as work:
        invitation, member = _open(work, found)
        if invitation.password_hash is None or invitation.totp is None:
            raise sessions.not_accepted()
        secret = proofs.secret_of(work, member, invitation.totp)
        step = proofs.step_of(secret, call.body["code"], last=0, work=work)
        if step is not None:
            members.activate(work, member, password_hash=invitation.password_hash, totp=invitation.totp, step=step)
            store.forget(work, member)
            codes = proofs.new_recovery_codes(work, member)
        work.record(_entry(call.operation, member.id, outcome="done" if codes else "code.refused"))
    if codes is None:
        raise NotAllowed("code.refused", "The code does not belong to this authenticator, or is old.")
    return Outcome(value={"recovery_codes": codes})


def _row(login: str, name: str | None, given: frozenset[str], units: frozenset[str]) -> dict[str, Any]:
    normal = rules.normalised_login(login)
    return {"login": normal, "name": name or normal, "roles": sorted(given), "units": sorted(units)}


def _invite(work: Work, org_id: uuid.UUID, row: dict[str, Any], *, reserved: bool) -> Invited:
    mac = proofs.login_mac(work, row["login"])
    found = members.by_login(work, org_id, mac)
    member = members.lock(work, org_id, found.id) if found else None
    rules.check_inviting(member.status if member else None)
    if not reserved:
        rules.check_giving(frozenset(member.roles if member else ()), frozenset(row["roles"]), own=False)
    member_id = _anew(work, member, row) if member else _add(work, org_id, row, mac)
    token, until = new_token(), work.now + sessions.INVITATION_LIFE
    store.put(
        work, org_id, member_id, invitation_id=clock.new_id(), token_hash=token_hash(token), until=until
    )  # fmt: skip
    return Invited(member_id=member_id, token=token, expires_at=until)


def _add(work: Work, org_id: uuid.UUID, row: dict[str, Any], mac: bytes) -> uuid.UUID:
    key, member_id = work.keys.take(), clock.new_id()
    sealed = key.seal(proofs.PERSONAL, member_id, {"login": row["login"], "name": row["name"]})
    kept = {"id": member_id, "login_mac": mac, "key_id": key.id, "personal": sealed}
    if not members.add(work, org_id, {**kept, "roles": row["roles"], "units": row["units"]}):
        raise Conflict("member.exists", "This login is being invited at this moment.")
    return member_id


def _anew(work: Work, member: Member, row: dict[str, Any]) -> uuid.UUID:
    key = work.keys.fetch([member.key_id])[member.key_id]
    sealed = key.seal(proofs.PERSONAL, member.id, {"login": row["login"], "name": row["name"]})
    kept = {"id": member.id, "personal": sealed, "roles": row["roles"], "units": row["units"]}
    members.invite_again(work, member.org_id, kept)
    members.replace_codes(work, member, [])
    session_store.end_all(work, member.org_id, member.id)
    return member.id


def _found(db: Database, call: Call) -> tuple[Found, Organisation]:
    with db.view() as work:
        found = store.by_token(work, token_hash(call.body["token"]))
        org = partners.organisation(work, str(found.org_id)) if found else None
    if found is None or org is None or org.status != roles.ACTIVE:
        raise sessions.invitation_gone()
    return found, org


def _open(work: Work, found: Found) -> tuple[Invitation, Member]:
    """The invitation and its member, locked. Raises NotFound when it was used, or has expired."""
    member = members.lock(work, found.org_id, found.member_id)
    invitation = store.lock(work, found)
    if invitation is None or member is None or invitation.expires_at <= work.now or member.status != rules.INVITED:
        raise sessions.invitation_gone()
    return invitation, member


def _entry(operation: str, member_id: uuid.UUID | None, *, outcome: str = "done") -> Entry:
    return Entry(
        operation=operation, object_type=OBJECT, object_id=member_id, purpose="administration", outcome=outcome
    )
