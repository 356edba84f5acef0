"""The blind index: slow keyed hashes of phone, e-mail, national id and name with birth, by which duplicates are found.

A keyed hash alone falls to whoever has the key and tries all numbers of a country; argon2id makes each try cost some
40 ms and 19 MiB. So it is computed after the submit, by the relay process, slowly (access-and-privacy.md section 4).
"""

from __future__ import annotations

import hmac
import logging
import os
import threading
import time
import unicodedata
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import phonenumbers
import psycopg
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag

from chassis.errors import NotFound
from chassis.sealing import KeyStore
from chassis.settings import Settings

if TYPE_CHECKING:
    from psycopg.rows import DictRow

    Connection = psycopg.Connection[DictRow]

log = logging.getLogger(__name__)

INDEXED = ("referrals",)
"""Services whose database has the tables for it."""

AT_ONCE = 20
POLL_SECONDS = 1.0
REST = 4
NICEST = 19
LOCK = 7_402_523  # beside the relay's other locks


def normalised(content: dict[str, Any]) -> dict[str, str]:
    """What is compared, by kind; `content` is an opened personal part, whose parts may be absent."""
    found: dict[str, str] = {}
    contact, person = content.get("contact") or {}, content.get("person") or {}
    if contact.get("channel") == "phone" and (number := _phone(contact["value"])):
        found["phone"] = number
    if contact.get("channel") == "email":
        found["email"] = unicodedata.normalize("NFKC", contact["value"]).strip().casefold()
    if person.get("national_id"):
        found["national_id"] = "".join(each for each in person["national_id"].casefold() if each.isalnum())
    if person.get("name") and person.get("birth_date"):
        found["name_date"] = f"{_name(person['name'])} {person['birth_date']}"
    if person.get("name") and person.get("birth_year"):
        found["name_year"] = f"{_name(person['name'])} {person['birth_year']}"
    return found


def hashed(key: bytes, org: UUID, kind: str, text: str) -> bytes:
    """HMAC-SHA256 with the purpose key, then argon2id. The organisation is in it: nothing is comparable between two."""
    keyed = hmac.digest(key, f"{kind}\0{org}\0{text}".encode(), "sha256")
    salt = hmac.digest(key, b"blind index salt", "sha256")[:16]
    return hash_secret_raw(keyed, salt, time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, type=Type.ID)


_LEAD = "SELECT pg_try_advisory_lock(%s) AS leads"
_NEXT = "SELECT org, record_id FROM person_index_next(%s)"
_ACT = "SELECT set_config('tukiverkko.org', %s, true)"
_SOURCE = "SELECT place, key_id, personal FROM person_source WHERE record_id = %s"
_THERE = "SELECT person_source_locked(%s) AS there"
_DONE = "SELECT person_index_done(%s)"
_KEEP = "INSERT INTO person_index (org_id, record_id, kind, value) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"


@dataclass(frozen=True, slots=True)
class Indexer:
    """Computes what one service's records lack, on a connection of its own."""

    connection: Connection
    keys: KeyStore
    key: bytes

    def index(self, stop: threading.Event) -> int:
        """Index some records; returns how many. Raises psycopg.Error, and Unavailable without the keys.

        It rests four times as long as it worked, so that it never takes more than a fifth of a processor.
        """
        rows = self.connection.execute(_NEXT, (AT_ONCE,)).fetchall()
        for row in rows:
            began = time.monotonic()
            self._one(row["org"], row["record_id"])
            if stop.wait(REST * (time.monotonic() - began)):
                break
        return len(rows)

    def _one(self, org: UUID, record_id: UUID) -> None:
        with self.connection.transaction():
            self.connection.execute(_ACT, (str(org),))
            sources = self.connection.execute(_SOURCE, (record_id,)).fetchall()
        values = [pair for source in sources for pair in self._values(org, record_id, source)]
        with self.connection.transaction():
            self.connection.execute(_ACT, (str(org),))
            there = self.connection.execute(_THERE, (record_id,)).fetchone()
            for kind, value in values if there and there["there"] else ():  # else it was erased meanwhile
                self.connection.execute(_KEEP, (org, record_id, kind, value))
            self.connection.execute(_DONE, (record_id,))

    def _values(self, org: UUID, record_id: UUID, source: DictRow) -> list[tuple[str, bytes]]:
        try:
            content = self.keys.open(source["key_id"], source["place"], record_id, source["personal"])
        except NotFound:
            return []  # erased meanwhile
        except InvalidTag:
            log.error("record cannot be opened", extra={"target": source["place"]})  # noqa: TRY400 - as everywhere
            return []
        return [(kind, hashed(self.key, org, kind, text)) for kind, text in normalised(content).items()]


def keep_indexing(settings: Settings, service: str, connection: Connection, stop: threading.Event) -> None:
    """Index until stopped, while this connection has the lock. Raises what `Indexer.index` raises."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICEST)  # of this thread alone: that is how Linux has it
    key = bytes.fromhex(settings.secret("contact_key"))
    with closing(KeyStore(settings, service)) as keys:
        indexer = Indexer(connection, keys, key)
        while not stop.is_set():
            row = connection.execute(_LEAD, (LOCK,)).fetchone()
            if not (row and row["leads"] and indexer.index(stop)):
                stop.wait(POLL_SECONDS)


def _phone(text: str) -> str | None:
    try:
        return phonenumbers.format_number(phonenumbers.parse(text, None), phonenumbers.PhoneNumberFormat.E164)
    except phonenumbers.NumberParseException:
        return None


def _name(text: str) -> str:
    letters = unicodedata.normalize("NFKC", text).casefold()
    parts = "".join(each if each.isalnum() else " " for each in letters).split()
    return " ".join(sorted(parts))  # some write the family name first
