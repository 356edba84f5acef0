"""Renews the key-encryption key: a new one beside the old, every data key wrapped anew, the old one taken out of use.

Each step may be interrupted at any moment and done again; services run on meanwhile. It works as the owner of the key
database, because no process may change a wrapped key.
"""

from __future__ import annotations

import os
import secrets
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

import psycopg
from psycopg import sql

from chassis import clock
from chassis.kek import KeyRing
from chassis.settings import Settings

BATCH = 500

NEXT = sql.SQL(
    "SELECT id, wrapped, kek FROM {}.data_key WHERE id > %s AND kek <> %s ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED"
)
CHANGE = sql.SQL(
    "UPDATE {}.data_key AS d SET wrapped = n.wrapped, kek = %s"
    " FROM unnest(%s::uuid[], %s::bytea[]) AS n (id, wrapped) WHERE d.id = n.id"
)
HOLD = sql.SQL("LOCK TABLE {}.data_key IN SHARE ROW EXCLUSIVE MODE")
OTHERS = sql.SQL("SELECT count(*) FROM {}.data_key WHERE kek <> %s")
RETIRE = sql.SQL("INSERT INTO {}.retired_kek (kek, at) VALUES (%s, %s) ON CONFLICT DO NOTHING")


class StillInUse(Exception):
    """Data keys are wrapped by the older key-encryption key still; the message is one sentence."""


def renew(settings: Settings) -> bool:
    """Put a new key-encryption key before the old one; False when an earlier one was not taken out of use yet.

    Raises SettingsError for an unfit file and OSError when it can not be written.
    """
    lines = settings.secret_lines("kek")
    if len(lines) > 1:
        return False
    _write(settings.home / "secrets" / "kek", [secrets.token_hex(32), *lines])
    return True


def rewrap(settings: Settings, service: str, *, told: Callable[[int], None] = lambda _: None) -> int:
    """Wrap every data key of a service by the key-encryption key in force; returns how many were not yet.

    Raises UnknownKek and psycopg.Error; what was done stays done.
    """
    ring, schema, done = KeyRing(settings), sql.Identifier(service), 0
    with psycopg.connect(settings.keys_owner_url(), autocommit=True, connect_timeout=5) as connection:
        last = uuid.UUID(int=0)
        while True:
            with connection.transaction():
                rows = connection.execute(NEXT.format(schema), (last, ring.current, BATCH)).fetchall()
                if not rows:
                    return done
                made = [(key_id, ring.wrap(key_id, ring.unwrap(key_id, old, kek))[1]) for key_id, old, kek in rows]
                ids, wrapped = zip(*made, strict=True)
                connection.execute(CHANGE.format(schema), (ring.current, list(ids), list(wrapped)))
            last = ids[-1]
            done += len(ids)
            told(done)


def retire(settings: Settings, services: Iterable[str]) -> int:
    """Take the older key-encryption keys out of use and out of the file; returns how many.

    The table is held while it is looked at, and the mark refuses whoever would still wrap by one of them afterwards.
    Raises StillInUse, and OSError when the file can not be written.
    """
    ring = KeyRing(settings)
    with psycopg.connect(settings.keys_owner_url(), autocommit=True, connect_timeout=5) as connection:
        for service in services:
            schema = sql.Identifier(service)
            with connection.transaction():
                connection.execute(HOLD.format(schema))
                row = connection.execute(OTHERS.format(schema), (ring.current,)).fetchone()
                if row is None or row[0]:
                    left = row[0] if row else 0
                    raise StillInUse(
                        f"{left} keys of {service} are not wrapped anew yet; `tukiverkko vault rotate` first."
                    )
                for kek in ring.older:
                    connection.execute(RETIRE.format(schema), (kek, clock.now()))
    if ring.older:
        _write(settings.home / "secrets" / "kek", settings.secret_lines("kek")[:1])
    return len(ring.older)


def _write(path: Path, lines: list[str]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write("\n".join(lines))
        file.flush()
        os.fsync(file.fileno())  # the old one must not be all that is left after a crash
    temporary.chmod(path.stat().st_mode & 0o777)
    temporary.rename(path)
