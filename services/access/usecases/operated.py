"""What the operator does by command: clients of any organisation, and trusted issuers."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from chassis import clock, paging
from chassis.audit import Entry
from chassis.db import Database
from chassis.errors import Conflict, NotFound
from chassis.settings import Settings
from services.access import views
from services.access.rules import clients as rules
from services.access.rules import issuers as issuer_rules
from services.access.rules import roles as role_rules
from services.access.store import issuers, partners, revocations
from services.access.usecases import clients
from services.access.usecases.clients import Made

COMMAND = "command:client"
ISSUER_COMMAND = "command:issuer"


def create_client(db: Database, *, org_key: str, name: str, roles: Iterable[str], method: str, jwk: Any) -> Made:
    """Register a client of an organisation with any role. Raises NotFound, Conflict and Invalid."""
    found = organisation(db, org_key)
    role_rules.check_status(found.key, found.status)
    wanted = rules.check_roles(roles, by_operator=True)
    with db.background(COMMAND, org=found.org_id) as work:
        made = clients.register(work, found.org_id, by=COMMAND, name=name, roles=wanted, method=method, jwk=jwk)
        work.record(_entry("client.create", clients.KIND, made.id))
        return made


def list_clients(db: Database, *, org_key: str) -> list[dict[str, Any]]:
    """The newest clients of an organisation. Raises NotFound."""
    found = organisation(db, org_key)
    with db.background(COMMAND, org=found.org_id) as work:
        work.record(_entry("client.list", clients.KIND, None))
        return views.clients.clients(work, after=(None, None), limit=paging.MOST)


def rotate_client(db: Database, *, org_key: str, client_id: uuid.UUID, jwk: Any, overlap_hours: int) -> Made:
    """Give a client another secret or key. Raises NotFound, Conflict and Invalid."""
    found = organisation(db, org_key)
    with db.background(COMMAND, org=found.org_id) as work:
        made = clients.renew(work, client_id, by=COMMAND, jwk=jwk, overlap_hours=overlap_hours)
        work.record(_entry("client.rotate", clients.KIND, client_id))
        return made


def revoke_client(db: Database, *, org_key: str, client_id: uuid.UUID) -> None:
    """End a client with its tokens. Raises NotFound and Conflict."""
    found = organisation(db, org_key)
    with db.background(COMMAND, org=found.org_id) as work:
        clients.end(work, client_id, by=COMMAND)
        work.record(_entry("client.revoke", clients.KIND, client_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Which tokens of which issuer are to act for an organisation."""

    issuer: str
    jwks_uri: str
    audience: str
    claim: str
    value: str


def add_issuer(db: Database, settings: Settings, *, org_key: str, trust: Trust, roles: Iterable[str]) -> uuid.UUID:
    """Trust an issuer for an organisation; returns the id of the row. Raises Invalid, NotFound and Conflict."""
    issuer_rules.check_address(trust.jwks_uri, development=settings.profile == "development")
    texts = {name: getattr(trust, name) for name in Trust.__slots__}
    issuer_rules.check_texts(**texts)
    wanted = rules.check_roles(roles, by_operator=True)
    found = organisation(db, org_key)
    row = issuers.Issuer(
        id=clock.new_id(), org_id=found.org_id, org_key=found.key, org_status=found.status, roles=wanted, **texts
    )
    with db.background(ISSUER_COMMAND, org=found.org_id) as work:
        if not issuers.add(work, row, by=ISSUER_COMMAND):
            raise Conflict("issuer.taken", "Tokens of this issuer with this value lead to an organisation already.")
        work.record(_entry("issuer.add", "issuer", row.id))
    return row.id


def list_issuers(db: Database) -> list[issuers.Issuer]:
    """All trusted issuers."""
    with db.background(ISSUER_COMMAND) as work:
        work.record(_entry("issuer.list", "issuer", None))
        return list(issuers.rows_of(work, None))


def remove_issuer(db: Database, issuer_id: uuid.UUID) -> None:
    """Trust it no more; what was issued by it ends within seconds. Raises NotFound."""
    with db.background(ISSUER_COMMAND) as work:
        found = next((row for row in issuers.rows_of(work, None) if row.id == issuer_id), None)
    if found is None:
        raise NotFound("issuer.unknown", f"No trusted issuer has the id {issuer_id}.")
    with db.background(ISSUER_COMMAND, org=found.org_id) as work:
        issuers.remove(work, issuer_id)
        revocations.revoke(work, f"client:{issuer_id}", work.now)
        work.record(_entry("issuer.remove", "issuer", issuer_id))


def organisation(db: Database, org_key: str) -> partners.Organisation:
    """The copy of an organisation. Raises NotFound with the nearest keys."""
    with db.background(COMMAND) as work:
        found = partners.organisation(work, org_key)
        if found is None:
            raise role_rules.unknown_organisation(org_key, views.partners.organisation_keys(work))
    return found


def _entry(operation: str, kind: str, object_id: uuid.UUID | None) -> Entry:
    return Entry(operation=operation, object_type=kind, object_id=object_id, purpose="administration")
