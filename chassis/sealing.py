"""Sealing of personal content: AES-256-GCM, one data key per record, wrapped keys in a database of their own.

A service takes committed batches of ready-made keys, so that no request writes two databases; a record stores the
key's id only. Destroying the key makes the text unreadable everywhere at once (access-and-privacy.md section 4).
"""

from __future__ import annotations

import datetime as dt
import os
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import sql

from chassis import clock
from chassis.errors import NotFound, Unavailable
from chassis.kek import KeyRing, UnknownKek
from chassis.settings import Settings, SettingsError

BATCH = 100
LOW = 40
CACHE_SECONDS = 5.0
NONCE = 12
LONGEST_READY = dt.timedelta(hours=12)
"""Half of the age from which unused keys are swept (chassis/sweeping.py): time enough for any transaction."""

LIMITS = "-c statement_timeout=2000"  # requests queue behind this one connection

INSERT_KEYS = sql.SQL("INSERT INTO {}.data_key (id, wrapped, kek, created_at) VALUES (%s, %s, %s, %s)")
FETCH_KEYS = sql.SQL("SELECT id, wrapped, kek FROM {}.data_key WHERE id = ANY(%s)")
NEWEST_KEY = sql.SQL("SELECT id, wrapped, kek FROM {}.data_key ORDER BY created_at DESC LIMIT 1")
DELETE_KEYS = sql.SQL("DELETE FROM {}.data_key WHERE id = ANY(%s)")
ERASE = sql.SQL("""
WITH gone AS (DELETE FROM {0}.data_key WHERE id = ANY(%(key_ids)s))
INSERT INTO {0}.erasure (id, org_id, object_type, object_id, key_ids, reason, basis, at)
VALUES (%(id)s, %(org_id)s, %(object_type)s, %(object_id)s, %(key_ids)s, %(reason)s, %(basis)s, %(at)s)
ON CONFLICT (id) DO NOTHING
""")
ERASURES = sql.SQL("SELECT id, org_id, object_type, object_id, key_ids, reason, basis, at FROM {}.erasure ORDER BY at")


@dataclass(frozen=True, slots=True)
class DataKey:
    """A 256-bit key that seals one record: one person at one organisation for one purpose."""

    id: uuid.UUID
    cipher: AESGCM

    def seal(self, place: str, row: uuid.UUID, content: dict[str, Any]) -> bytes:
        """Seal JSON content; `place` is "table|column". Returns nonce and ciphertext."""
        return self.seal_bytes(place, row, orjson.dumps(content))

    def unseal(self, place: str, row: uuid.UUID, sealed: bytes) -> dict[str, Any]:
        """Open what `seal` made. Raises InvalidTag when it was made for another row, column or key."""
        content: dict[str, Any] = orjson.loads(self.unseal_bytes(place, row, sealed))
        return content

    def seal_bytes(self, place: str, row: uuid.UUID, content: bytes | memoryview) -> bytes:
        """Seal a piece of a file; `place` is "table|column|number of the piece"."""
        nonce = os.urandom(NONCE)
        return nonce + self.cipher.encrypt(nonce, content, self._bound(place, row))

    def unseal_bytes(self, place: str, row: uuid.UUID, sealed: bytes) -> bytes:
        """Open what `seal_bytes` made. Raises InvalidTag as `unseal`."""
        return self.cipher.decrypt(sealed[:NONCE], bytes(sealed[NONCE:]), self._bound(place, row))

    def _bound(self, place: str, row: uuid.UUID) -> bytes:
        return f"{place}|{row}|{self.id}".encode("ascii")


class KeyStore:
    """The data keys of one service: ready-made ones for new records, fetched ones for reading."""

    def __init__(self, settings: Settings, service: str) -> None:
        """Nothing is connected before the first key is needed, so that a process starts without the database."""
        self._url = settings.keys_url(service)
        self._ring = KeyRing(settings)
        self._schema = sql.Identifier(service)
        self._ready: list[tuple[dt.datetime, DataKey]] = []
        self._known: dict[uuid.UUID, tuple[float, DataKey]] = {}
        self._lock = threading.Lock()
        self._refilling = False
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    def take(self) -> DataKey:
        """A committed key that no record uses yet. Raises Unavailable when the key database is gone."""
        while True:
            if not self._ready:
                self._refill()
            made_at, key = self._ready.pop()
            # One that lay here too long may be swept as unused before a record with it is committed.
            if clock.now() - made_at < LONGEST_READY:
                break
        # whoever makes a record shows it at once
        self._known[key.id] = (time.monotonic() + CACHE_SECONDS, key)
        if len(self._ready) < LOW and not self._refilling:
            self._refilling = True
            threading.Thread(target=self._refill_later, daemon=True).start()
        return key

    def fetch(self, ids: list[uuid.UUID]) -> dict[uuid.UUID, DataKey]:
        """The keys with these ids, in one query, kept for five seconds; a destroyed one is absent."""
        now = time.monotonic()
        found = {i: kept[1] for i in ids if (kept := self._known.get(i)) is not None and kept[0] > now}
        missing = [i for i in ids if i not in found]
        if missing:
            rows = self._run(FETCH_KEYS.format(self._schema), (missing,))
            if len(self._known) > BATCH * BATCH:
                self._known.clear()
            for key_id, wrapped, kek in rows:
                key = self._unwrap(key_id, wrapped, kek)
                found[key_id] = key
                self._known[key_id] = (now + CACHE_SECONDS, key)
        return found

    def open(self, key_id: uuid.UUID, place: str, row: uuid.UUID, sealed: bytes) -> dict[str, Any]:
        """Fetch one key and unseal. Raises NotFound when the key was destroyed: the content is erased."""
        key = self.fetch([key_id]).get(key_id)
        if key is None:
            raise NotFound
        return key.unseal(place, row, sealed)

    def destroy(self, ids: list[uuid.UUID]) -> None:
        """Delete keys for good; what they sealed cannot be read any more."""
        for key_id in ids:
            self._known.pop(key_id, None)
        self._run(DELETE_KEYS.format(self._schema), (ids,))

    def check(self) -> None:
        """Whether this process can open what was sealed last; a key database that is away is no fault yet.

        Raises SettingsError for another key-encryption key than the one in force.
        """
        try:
            for key_id, wrapped, kek in self._run(NEWEST_KEY.format(self._schema), ()):
                self._unwrap(key_id, wrapped, kek)
        except (Unavailable, InvalidTag) as fault:
            if isinstance(fault, Unavailable) and fault.code != "keys.kek_unknown":
                return
            message = "The secret kek is not the one that wrapped this network's keys; nothing sealed could be opened."
            raise SettingsError(message) from fault

    def erase(self, row: dict[str, Any]) -> None:
        """Delete the keys of a row of the erasure ledger and keep the row beside them, at once; may be repeated."""
        for key_id in row["key_ids"]:
            self._known.pop(key_id, None)
        self._run(ERASE.format(self._schema), row)

    def erasures(self) -> list[tuple[Any, ...]]:
        """The ledger as it is kept beside the keys, oldest first."""
        return self._run(ERASURES.format(self._schema), ())

    def close(self) -> None:
        """Close the connection to the key database."""
        with self._lock:
            self._forget()

    def _refill_later(self) -> None:
        try:
            self._refill()
        except Unavailable:
            pass  # the next request that finds no key says so to its caller
        finally:
            self._refilling = False

    def _refill(self) -> None:
        self._ring.read()  # a renewed key-encryption key is in force from now on
        at = clock.now()
        made = [(uuid.uuid4(), AESGCM.generate_key(256)) for _ in range(BATCH)]
        rows = [(key_id, *reversed(self._ring.wrap(key_id, raw)), at) for key_id, raw in made]
        with self._lock:
            try:
                connection = self._connect()
                with connection.transaction(), connection.cursor() as cursor:
                    cursor.executemany(INSERT_KEYS.format(self._schema), rows)
            except psycopg.Error as error:
                self._forget()
                raise Unavailable(
                    "keys.unavailable", "The key database does not answer; nothing was stored."
                ) from error
        # Only committed keys are ever handed out: a record must not outlive its key.
        self._ready.extend((at, DataKey(key_id, AESGCM(raw))) for key_id, raw in made)

    def _run(self, query: sql.Composed, parameters: tuple[Any, ...] | dict[str, Any]) -> list[tuple[Any, ...]]:
        with self._lock:
            for attempt in (1, 2):  # a kept connection may have died since; a fresh one decides
                try:
                    cursor = self._connect().execute(query, parameters)
                    return cursor.fetchall() if cursor.description else []
                except psycopg.Error as error:
                    self._forget()
                    if attempt == 2:  # noqa: PLR2004 -- the second and last try
                        raise Unavailable("keys.unavailable", "The key database does not answer.") from error
        return []

    def _connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = psycopg.connect(
                self._url, autocommit=True, connect_timeout=3, options=LIMITS, tcp_user_timeout=4000
            )
        return self._connection

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _unwrap(self, key_id: uuid.UUID, wrapped: bytes, kek: str) -> DataKey:
        try:
            return DataKey(key_id, AESGCM(self._ring.unwrap(key_id, wrapped, kek)))
        except UnknownKek as error:
            message = "This process does not have the key-encryption key of what was asked for."
            raise Unavailable("keys.kek_unknown", message) from error
