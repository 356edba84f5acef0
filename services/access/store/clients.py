"""Rows that tokens and changes of clients are decided on."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from chassis.db import Work

NOBODY = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A client with its organisation and the credentials that count now."""

    id: uuid.UUID
    org_id: uuid.UUID
    org_key: str
    org_status: str
    roles: frozenset[str]
    method: str
    status: str
    hashes: tuple[bytes, ...]
    keys: tuple[dict[str, Any], ...]


OWNER = "SELECT org_id FROM client_owner(%s)"
CANDIDATE = """
SELECT c.id, c.org_id, p.key AS org_key, p.status AS org_status, c.roles, c.method, c.status,
       ARRAY(SELECT s.hash FROM client_credential AS s WHERE s.client_id = c.id AND s.hash IS NOT NULL
                AND s.expires_at > %(now)s ORDER BY s.created_at DESC) AS hashes,
       ARRAY(SELECT k.jwk FROM client_credential AS k WHERE k.client_id = c.id AND k.jwk IS NOT NULL
                AND (k.expires_at IS NULL OR k.expires_at > %(now)s) ORDER BY k.created_at DESC) AS keys
  FROM client AS c JOIN partner AS p ON p.org_id = c.org_id WHERE c.id = %(id)s
"""


def candidate(work: Work, client_id: str) -> Candidate | None:
    """The client with this id, whatever organisation it is of; one that does not exist costs the same two questions."""
    wanted = _uuid(client_id)
    owner = work.one(OWNER, (wanted,))
    with work.acting_for(owner["org_id"] if owner else NOBODY):
        row = work.one(CANDIDATE, {"id": wanted, "now": work.now})
    if row is None:
        return None
    lists = {"roles": frozenset(row["roles"]), "hashes": tuple(row["hashes"]), "keys": tuple(row["keys"])}
    return Candidate(**{**row, **lists})


USE = "INSERT INTO assertion_used (hash, expires_at) VALUES (%s, %s) ON CONFLICT DO NOTHING"
SWEEP_USED = "DELETE FROM assertion_used WHERE expires_at < %s"


def use_assertion(work: Work, digest: bytes, expires_at: dt.datetime) -> bool:
    """Note an assertion as used; False when it was before. The row locks it against a second use until the commit."""
    work.later(SWEEP_USED, (work.now - dt.timedelta(minutes=5),), expect=None)
    return work.run(USE, (digest, expires_at), expect=None) == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NewClient:
    """A client to be kept."""

    id: uuid.UUID
    org_id: uuid.UUID
    name: str
    roles: tuple[str, ...]
    method: str
    by: str


ADD = """
INSERT INTO client (id, org_id, name, roles, method, status, version, created_at, created_by, changed_at, changed_by)
VALUES (%(id)s, %(org_id)s, %(name)s, %(roles)s, %(method)s, 'active', 1, %(now)s, %(by)s, %(now)s, %(by)s)
"""


def add(work: Work, made: NewClient) -> None:
    """Keep a new client."""
    values = {name: getattr(made, name) for name in NewClient.__slots__}
    work.run(ADD, {**values, "roles": list(made.roles), "now": work.now})


ADD_CREDENTIAL = """
INSERT INTO client_credential (id, org_id, client_id, hash, jwk, created_at, expires_at)
VALUES (%(id)s, %(org_id)s, %(client_id)s, %(hash)s, %(jwk)s, %(now)s, %(expires_at)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """The hash of a secret with its end, or a public key."""

    id: uuid.UUID
    org_id: uuid.UUID
    client_id: uuid.UUID
    hash: bytes | None = None
    jwk: dict[str, str] | None = None
    expires_at: dt.datetime | None = None


def add_credential(work: Work, made: Credential) -> None:
    """Keep a new credential."""
    values = {name: getattr(made, name) for name in Credential.__slots__}
    work.run(ADD_CREDENTIAL, {**values, "jwk": Jsonb(made.jwk) if made.jwk else None, "now": work.now})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRow:
    """What a change of a client is decided on."""

    id: uuid.UUID
    org_id: uuid.UUID
    method: str
    status: str
    version: int


LOCKED = "SELECT id, org_id, method, status, version FROM client WHERE id = %s FOR UPDATE"


def locked(work: Work, client_id: uuid.UUID) -> ClientRow | None:
    """The client, locked; only of the organisation that the work acts for."""
    row = work.one(LOCKED, (client_id,))
    return ClientRow(**row) if row else None


CHANGE = """
UPDATE client SET status = %(status)s, version = version + 1, changed_at = %(now)s, changed_by = %(by)s
 WHERE id = %(id)s
"""


def change(work: Work, client_id: uuid.UUID, *, status: str, by: str) -> None:
    """Save the status; the version goes up."""
    work.run(CHANGE, {"id": client_id, "status": status, "by": by, "now": work.now})


# The newest of the old ones lives on until then; there are never more than two.
RETIRE = """
UPDATE client_credential SET expires_at = least(expires_at, %(until)s)
 WHERE id = (SELECT c.id FROM client_credential AS c WHERE c.client_id = %(client)s ORDER BY c.created_at DESC LIMIT 1)
"""
CLEAR = """
DELETE FROM client_credential WHERE client_id = %(client)s AND id NOT IN (
    SELECT c.id FROM client_credential AS c WHERE c.client_id = %(client)s AND %(until)s > %(now)s
     ORDER BY c.created_at DESC LIMIT 1)
"""


def retire_credentials(work: Work, client_id: uuid.UUID, *, until: dt.datetime) -> None:
    """Let the newest credential end then, and take the others away; all of them when `until` is now."""
    values = {"client": client_id, "until": until, "now": work.now}
    work.run(CLEAR, values, expect=None)
    work.run(RETIRE, values, expect=None)


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        return NOBODY
