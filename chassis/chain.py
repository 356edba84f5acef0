"""The chains of the audit: how a link is made, and the sealer that links what was committed, one leader per database.

A chain head is never locked inside a request: that cost more than everything else together. So the rows of the last
second are without a link (access-and-privacy.md section 5); `tukiverkko audit verify` names them.
"""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING
from uuid import UUID

import orjson
import psycopg

from chassis import clock

if TYPE_CHECKING:
    from psycopg.rows import DictRow

    Connection = psycopg.Connection[DictRow]

NO_ORGANISATION = UUID(int=0)
"""The chain of rows that no organisation stands behind."""

START = bytes(32)
LOCK = 7_402_521  # beside the relay's and the shelf's; advisory locks are counted per database
BATCH = 1_000
POLL_SECONDS = 0.25


def link_hash(key: bytes, before: bytes, chain: bytes, numbers: tuple[int, int, int], mac: bytes) -> bytes:
    """The hash of a link: keyed, over the link before it in its chain, the row's own hash and its three numbers.

    `chain` is the organisation's 16 bytes, `numbers` are the link's number, its place in the chain and the number of
    the audit row. No value has a choice of length, so the text stands for no other link.
    """
    return blake2b(b"%b%b%b%d %d %d" % (before, chain, mac, *numbers), key=key, digest_size=32).digest()


def top_mac(key: bytes, no: int, at: dt.datetime) -> bytes:
    """The keyed mark that says how many links there are."""
    content = f"top {no} {at.astimezone(dt.UTC).isoformat(timespec='microseconds')}"
    return blake2b(content.encode(), key=key, digest_size=32).digest()


_WAITING = "SELECT audit_no, chain, mac FROM audit_waiting(%s)"
_HEADS = "SELECT chain, seq, hash FROM audit_heads(%s)"
_LINKED = "SELECT audit_linked() AS no"
_SEAL = "SELECT audit_seal(%s, %s, %s, %s) AS taken"
_LEAD = "SELECT pg_try_advisory_lock(%s) AS leads"


@dataclass(slots=True)
class Sealer:
    """Links the committed rows of one database while it holds the leader's lock on this connection.

    It remembers the head of every chain, which nobody else moves; after any error begin with a new one.
    """

    connection: Connection
    key: bytes
    _heads: dict[UUID, tuple[int, bytes]] = field(default_factory=dict)
    _no: int | None = None

    def leads(self) -> bool:
        """Take the leader's lock, which lives as long as the connection; False when another sealer has it."""
        row = self.connection.execute(_LEAD, (LOCK,)).fetchone()
        return bool(row and row["leads"])

    def seal(self) -> int:
        """Link what waits, at most a batch; returns how many. Raises psycopg.Error."""
        rows = self.connection.execute(_WAITING, (BATCH,)).fetchall()
        if not rows:
            return 0
        self._look_up({row["chain"] for row in rows})
        links = [self._link(row) for row in rows]
        at = clock.now()
        assert self._no is not None
        mark = top_mac(self.key, self._no, at)
        self.connection.execute(_SEAL, (orjson.dumps(links).decode(), self._no, at, mark))
        return len(links)

    def _link(self, row: DictRow) -> dict[str, object]:
        assert self._no is not None
        seq, before = self._heads[row["chain"]]
        self._no, seq = self._no + 1, seq + 1
        made = link_hash(self.key, before, row["chain"].bytes, (self._no, seq, row["audit_no"]), row["mac"])
        self._heads[row["chain"]] = (seq, made)
        named = {"chain": row["chain"], "audit_no": row["audit_no"], "hash": made.hex()}
        return {"no": self._no, "seq": seq, **named}

    def _look_up(self, chains: set[UUID]) -> None:
        if self._no is None:
            row = self.connection.execute(_LINKED).fetchone()
            self._no = row["no"] if row else 0
        missing = [chain for chain in chains if chain not in self._heads]
        self._heads.update(dict.fromkeys(missing, (0, START)))
        for row in self.connection.execute(_HEADS, (missing,)) if missing else ():
            self._heads[row["chain"]] = (row["seq"], row["hash"])


def keep_sealing(connection: Connection, key: bytes, stop: threading.Event) -> None:
    """Wait for the lock, then seal until stopped. Raises psycopg.Error when the database is gone."""
    sealer = Sealer(connection, key)
    while not sealer.leads():
        if stop.wait(1.0):
            return
    while not stop.is_set():
        if sealer.seal() < BATCH:
            stop.wait(POLL_SECONDS)
