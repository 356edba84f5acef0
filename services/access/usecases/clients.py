"""Clients of an organisation: registered, listed, given new credentials, revoked; by its administrator over HTTP.

The steps that change something take a unit of work, so that the operator's commands do the same (operated.py).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any

from chassis import clock, paging
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import NotFound, Unauthenticated
from chassis.identity import Caller
from chassis.requests import Call, Outcome
from services.access import views
from services.access.rules import clients as rules
from services.access.store import clients as store
from services.access.store import revocations
from services.access.usecases.signatures import check_usable

KIND = "client"
SHOWN = "Keep the secret now: only its hash is stored, and it is never shown again."
NOT_SHOWN = "This request was repeated. The secret stood in the first answer and is not stored; rotate to get another."


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The client, and its new secret; None when it proves itself by a key."""

    id: uuid.UUID
    secret: str | None = field(repr=False)


def list_clients(db: Database, call: Call) -> Outcome:
    """The clients of the caller's organisation, newest first."""
    with db.work(call) as work:
        query = call.query
        rows = views.clients.clients(work, after=paging.position(query.get("cursor")), limit=query["limit"] + 1)
        work.record(Entry(operation="client.list", object_type=KIND, object_id=None, purpose="administration"))
        return Outcome(value=paging.page([_shown(row) for row in rows], query["limit"], by="created_at"))


def show_client(db: Database, call: Call) -> Outcome:
    """One client of the caller's organisation. Raises NotFound."""
    with db.work(call) as work:
        work.record(
            Entry(operation="client.show", object_type=KIND, object_id=call.path["client_id"], purpose="administration")
        )
        return _outcome(work, call.path["client_id"])


def create_client(db: Database, call: Call) -> Outcome:
    """Register a client. Raises Invalid, and NotAllowed for the operator's roles or without fresh proof."""
    caller, body = _prover(call), call.body
    with db.work(call) as work:
        client_id, made = work.claimed(), None
        if client_id is None:
            roles = rules.check_roles(body["roles"], by_operator=False)
            made = register(
                work, caller.org_id, by=caller.subject, name=body["name"], roles=roles, method=body["method"],
                jwk=body.get("jwk"),
            )  # fmt: skip
            client_id = made.id
        work.record(_entry("client.create", client_id))
        return _outcome(work, client_id, made, repeated=made is None, location=True)


def rotate_client(db: Database, call: Call) -> Outcome:
    """Give a client another secret or key; the old one lives on for the overlap. Raises NotFound, Stale, Conflict."""
    caller, client_id = _prover(call), call.path["client_id"]
    with db.work(call) as work:
        made = None
        if (repeated := work.claimed()) is None:
            rules.check_version(call.expected_version, _locked(work, client_id).version)
            hours = call.body["overlap_hours"]
            made = renew(work, client_id, by=caller.subject, jwk=call.body.get("jwk"), overlap_hours=hours)
        work.record(_entry("client.rotate", client_id))
        return _outcome(work, client_id, made, repeated=repeated is not None)


def revoke_client(db: Database, call: Call) -> Outcome:
    """End a client for good, with its tokens. Raises NotFound, Stale and Conflict."""
    caller, client_id = _caller(call), call.path["client_id"]
    with db.work(call) as work:
        if work.claimed() is None:
            rules.check_version(call.expected_version, _locked(work, client_id).version)
            end(work, client_id, by=caller.subject)
        work.record(_entry("client.revoke", client_id))
        return _outcome(work, client_id)


def register(
    work: Work, org_id: uuid.UUID, *, by: str, name: str, roles: tuple[str, ...], method: str, jwk: Any
) -> Made:
    """Keep a new client of the organisation that the work acts for. Raises Invalid."""
    key = rules.check_key(method, jwk)
    made = store.NewClient(id=clock.new_id(), org_id=org_id, name=name, roles=roles, method=method, by=by)
    store.add(work, made)
    return Made(id=made.id, secret=_credential(work, org_id, made.id, key))


def renew(work: Work, client_id: uuid.UUID, *, by: str, jwk: Any, overlap_hours: int) -> Made:
    """Add a credential and let the one before end after the overlap; without overlap its tokens end as well."""
    row = _locked(work, client_id)
    rules.check_active(row.status)
    key = rules.check_key(row.method, jwk)
    store.retire_credentials(work, client_id, until=work.now + dt.timedelta(hours=overlap_hours))
    if not overlap_hours:
        revocations.revoke(work, f"client:{client_id}", work.now)
    store.change(work, client_id, status=row.status, by=by)
    return Made(id=client_id, secret=_credential(work, row.org_id, client_id, key))


def end(work: Work, client_id: uuid.UUID, *, by: str) -> None:
    """Revoke a client: no new token, and those that it has end within seconds. Raises NotFound and Conflict."""
    row = _locked(work, client_id)
    rules.check_active(row.status)
    store.change(work, client_id, status=rules.REVOKED, by=by)
    store.retire_credentials(work, client_id, until=work.now)
    revocations.revoke(work, f"client:{client_id}", work.now)


def _credential(work: Work, org_id: uuid.UUID, client_id: uuid.UUID, key: dict[str, str] | None) -> str | None:
    """Keep a public key, or make a secret and keep its hash; returns the secret."""
    if key is not None:
        check_usable(key)
        store.add_credential(work, store.Credential(id=clock.new_id(), org_id=org_id, client_id=client_id, jwk=key))
        return None
    secret = secrets.token_urlsafe(rules.SECRET_BYTES)
    made = store.Credential(
        id=clock.new_id(), org_id=org_id, client_id=client_id, hash=hashlib.sha256(secret.encode("ascii")).digest(),
        expires_at=work.now + dt.timedelta(days=rules.SECRET_DAYS),
    )  # fmt: skip
    store.add_credential(work, made)
    return secret


def _locked(work: Work, client_id: uuid.UUID) -> store.ClientRow:
    row = store.locked(work, client_id)
    if row is None:
        raise NotFound
    return row


def _entry(operation: str, client_id: uuid.UUID) -> Entry:
    return Entry(operation=operation, object_type=KIND, object_id=client_id, purpose="administration")


def _outcome(
    work: Work, client_id: uuid.UUID, made: Made | None = None, *, repeated: bool = False, location: bool = False
) -> Outcome:
    row = views.clients.client(work, client_id)
    if row is None:
        raise NotFound
    secret = made.secret if made else None
    note = SHOWN if secret else NOT_SHOWN if repeated and row["method"] == rules.CLIENT_SECRET else None
    value = {**_shown(row), "secret": secret, "secret_note": note}
    return Outcome(value=value, version=row["version"], location=f"/access/clients/{client_id}" if location else None)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "allowed_actions": rules.actions_of(row["status"])}


def _caller(call: Call) -> Caller:
    if call.caller is None:
        raise Unauthenticated("token.missing", "Send an access token.")
    return call.caller


def _prover(call: Call) -> Caller:
    """The caller, who, if a person, has just given both factors. Raises NotAllowed."""
    caller, now = _caller(call), int(clock.now().timestamp())
    rules.check_proof(is_system=caller.is_system, proved_at=caller.proved_at, now=now)
    return caller
