"""Sealing of personal content: AES-256-GCM, one data key per record, wrapped keys in a database of their own.

A service takes committed batches of ready-made keys, so that no request writes two databases; a record stores the
key's id only. Destroying the key makes the text unreadable everywhere at once (access-and-privacy.md section 4).
"""

from __future__ import annotations

import hashlib
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
from chassis.settings import Settings

BATCH = 100
LOW = 40
CACHE_SECONDS = 5.0
NONCE = 12
LIMITS = "-c statement_timeout=2000"  # requests queue behind this one connection

INSERT_KEYS = sql.SQL("INSERT INTO {}.data_key (id, wrapped, kek, created_at) VALUES (%s, %s, %s, %s)")
FETCH_KEYS = sql.SQL("SELECT id, wrapped, kek FROM {}.data_key WHERE id = ANY(%s)")
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
        nonce = os.urandom(NONCE)
        return nonce + self.cipher.encrypt(nonce, orjson.dumps(content), self._bound(place, row))

    def unseal(self, place: str, row: uuid.UUID, sealed: bytes) -> dict[str, Any]:
        """Open what `seal` made. Raises InvalidTag when it was made for another row, column or key."""
        content: dict[str, Any] = orjson.loads(
            self.cipher.decrypt(sealed[:NONCE], bytes(sealed[NONCE:]), self._bound(place, row))
        )
        return content

    def _bound(self, place: str, row: uuid.UUID) -> bytes:
        return f"{place}|{row}|{self.id}".encode("ascii")


class KeyStore:
    """The data keys of one service: ready-made ones for new records, fetched ones for reading."""

    def __init__(self, settings: Settings, service: str) -> None:
        """Nothing is connected before the first key is needed, so that a process starts without the database."""
        self._url = settings.keys_url(service)
        kek = bytes.fromhex(settings.secret("kek"))
        self._kek = AESGCM(hashlib.sha256(b"tukiverkko kek\0" + kek).digest())
        self._kek_id = hashlib.sha256(b"tukiverkko kek id\0" + kek).hexdigest()[:16]
        self._schema = sql.Identifier(service)
        self._ready: list[DataKey] = []
        self._known: dict[uuid.UUID, tuple[float, DataKey]] = {}
        self._lock = threading.Lock()
        self._refilling = False
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    def take(self) -> DataKey:
        """A committed key that no record uses yet. Raises Unavailable when the key database is gone."""
        if not self._ready:
            self._refill()
        key = self._ready.pop()
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
        made = [(uuid.uuid4(), AESGCM.generate_key(256)) for _ in range(BATCH)]
        rows = [(key_id, self._wrap(key_id, raw), self._kek_id, clock.now()) for key_id, raw in made]
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
        self._ready.extend(DataKey(key_id, AESGCM(raw)) for key_id, raw in made)

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

    def _wrap(self, key_id: uuid.UUID, raw: bytes) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._kek.encrypt(nonce, raw, key_id.bytes + self._kek_id.encode("ascii"))

    def _unwrap(self, key_id: uuid.UUID, wrapped: bytes, kek: str) -> DataKey:
        if kek != self._kek_id:
            raise InvalidTag
        raw = self._kek.decrypt(wrapped[:NONCE], bytes(wrapped[NONCE:]), key_id.bytes + kek.encode("ascii"))
        return DataKey(key_id, AESGCM(raw))
