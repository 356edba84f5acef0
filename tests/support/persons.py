"""What the tests of export, erasure, hold and retention share: an officer's calls, and a look at all that is stored."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import orjson
import psycopg
from psycopg import sql

from chassis import accountable, clock
from chassis.classes import classes_of, is_hash
from chassis.db import Database
from chassis.identity import Caller
from chassis.requests import Call
from chassis.sealing import KeyStore
from chassis.settings import KEYS_DATABASE, Settings
from deploy.local.postgres import superuser_url
from deploy.local.roles import keys_base, service_base
from services.groups.service import GroupsService
from services.referrals.service import ReferralsService
from tests.support.databases import Databases, root_url, with_database, with_keys

SERVICES = {"referrals": ReferralsService, "groups": GroupsService}
SHAPES = {"erase": accountable.Erase, "hold": accountable.Hold, "release": accountable.Release}
ERASE = {"reason": "person_asked", "basis": "gdpr_17_1_a"}


def officer(of: Caller) -> Caller:
    """The data-protection officer of an organisation."""
    proved = int(clock.now().timestamp())
    return replace(
        of, subject="member:6f1f6c1e-0d0a-4b5e-9a51-3b1f0f0a0001", roles=frozenset({"dpo"}), proved_at=proved
    )


def ask(db: Database, by: Caller, act: str, key: UUID, *, idempotency: str | None = None, **body: Any) -> Any:
    """What an officer is answered, as the door would show it: `act` is export, erase, hold or release."""
    reads = act == "export"
    call = Call(
        route=f"X /{db.service}/persons/{{key}}/{act}",
        operation=f"person.{act}",
        caller=officer(by),
        request_id="r-1",
        body={} if reads else SHAPES[act]().load(body),
        query=accountable.ExportQuery().load(body) if reads else {},
        raw=orjson.dumps(body, default=str),
        path={"key": key},
        idempotency_key=idempotency,
    )
    method: Callable[..., Any] = getattr(SERVICES[db.service], f"person_{act}")
    value = method(SimpleNamespace(db=db), call).value
    return accountable.ExportView().dump(value) if reads else value


def everything(at: Settings, service: str) -> str:
    """All that a thief of the live databases can read: every row of both, and every sealed part that still opens."""
    with closing(KeyStore(at, service)) as keys, psycopg.connect(root_url(at, service)) as connection:
        found = [_rows(connection, "public"), *_opened(connection, keys, service)]
    with psycopg.connect(superuser_url(at, at.keys_url(service).rpartition("/")[2])) as connection:
        found.append(_rows(connection, service))
    return "\n".join(found)


def _rows(connection: psycopg.Connection[Any], schema: str) -> str:
    names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,)).fetchall()
    query = sql.SQL("SELECT to_jsonb(t)::text FROM {} AS t")
    tables = (connection.execute(query.format(sql.Identifier(schema, name))).fetchall() for (name,) in names)
    return "\n".join(text for table in tables for (text,) in table)


def _opened(connection: psycopg.Connection[Any], keys: KeyStore, service: str) -> list[str]:
    found = []
    for table, columns in classes_of(service).items():
        if "key_id" not in columns:
            found += _pieces(connection, keys) if table == "attachment_piece" else []
            continue
        for column in (c for c, of in columns.items() if of.kind == "sealed" and not is_hash(c)):
            query = sql.SQL("SELECT id, key_id, {} FROM {}").format(sql.Identifier(column), sql.Identifier(table))
            for row, key_id, sealed in connection.execute(query).fetchall():
                key = keys.fetch([key_id]).get(key_id)
                if sealed and key:
                    found.append(orjson.dumps(key.unseal(f"{table}|{column}", row, sealed)).decode())
    return found


PIECES = """
SELECT p.attachment_id, a.key_id, p.no, p.content FROM attachment_piece AS p
  JOIN attachment AS a ON a.org_id = p.org_id AND a.id = p.attachment_id
"""


def _pieces(connection: psycopg.Connection[Any], keys: KeyStore) -> list[str]:
    """Files, which are no JSON and sealed in pieces by the key of their row."""
    found = []
    for file, key_id, no, sealed in connection.execute(PIECES).fetchall():
        key = keys.fetch([key_id]).get(key_id)
        if key:
            opened = key.unseal_bytes(f"attachment_piece|content|{no}", file, sealed)
            found.append(opened.decode("utf-8", "replace"))
    return found


def copied(databases: Databases, at: Settings, service: str) -> Settings:
    """Settings with a copy of the service's database as it stands now; nobody may be connected to it."""
    name = f"test_{databases.worker}_{service}_{uuid4().hex[:8]}"
    databases.copy(service_base(service, name), template=at.database_url(service).rpartition("/")[2])
    return with_database(at, service, name)


def copied_keys(databases: Databases, at: Settings, service: str) -> Settings:
    """Settings with a copy of the key database as it stands now."""
    name = f"{KEYS_DATABASE}_{databases.worker}_{uuid4().hex[:8]}"
    own = re.sub(r".*/", "", at.keys_url(service))
    databases.copy(keys_base(name), template=own)
    return with_keys(at, name, (service,))


def with_keys_of(at: Settings, other: Settings) -> Settings:
    """The databases of one, the keys of the other."""
    keys = {name: value for name, value in (other.environment or {}).items() if name.endswith("_KEYS_URL")}
    return replace(at, environment={**(at.environment or {}), **keys})
