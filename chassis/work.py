"""One running transaction: what rooms do their reading, writing, telling and recording with.

Writes that need no answer are kept back and sent together with the next question or at the end, so that a request makes
few round trips; their row counts are asserted before the commit. The acting organisation is set inside the transaction
and nowhere else. Source: access-and-privacy.md section 3, architecture.md traps 3 and 15, runtime.md section 3.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString, Protocol

import psycopg
from psycopg.rows import DictRow

from chassis import audit, clock, outbox, requests
from chassis.pipelining import one_flush
from chassis.tracing import log_fault

if TYPE_CHECKING:
    from chassis.envelope import Event, Received
    from chassis.requests import Call
    from chassis.sealing import KeyStore

Parameters = Mapping[str, Any] | Sequence[Any]
Connection = psycopg.Connection[DictRow]

BEGIN = "BEGIN"
COMMIT = "COMMIT"
ROLLBACK = "ROLLBACK"
ACT = "SELECT set_config('tukiverkko.org', %s, true)"
SEE_CLOSED = "SELECT set_config('tukiverkko.closed', %s, true)"


class WrongRowCount(Exception):
    """A write touched another number of rows than it had to; row security can hide a row silently."""


class Owner(Protocol):
    """What a unit of work needs of the database that it belongs to."""

    keys: KeyStore
    request_key: bytes
    audit_key: bytes

    def replaced(self, connection: Connection) -> Connection:
        """Another connection for one that died."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement to be sent; `expect` is the number of rows that it must touch, None for any."""

    query: LiteralString
    parameters: Parameters = ()
    expect: int | None = None


class Work:
    """One unit of work. Made by Database only; rooms get it as their first argument."""

    def __init__(self, owner: Owner, connection: Connection, *, call: Call | None, actor: str) -> None:
        """`actor` names the process or worker for the audit where no request is behind the work."""
        self.connection = connection
        self.call = call
        self.actor = actor
        self.cause: Received | None = None
        self.now = clock.now()
        self.notes: dict[Any, Any] = {}
        """What rooms remember for the rest of this transaction, such as rows that they hold locked."""
        self._owner = owner
        self._kept: list[Statement] = []
        self._begun = True
        self._org: uuid.UUID | None = None
        self._org_sent: uuid.UUID | None = None
        self._closed = self._closed_sent = False
        self._told: list[tuple[Event | outbox.Ready, outbox.Origin]] = []
        self._audit: audit.Entry | None = None
        self._afterwards: list[Callable[[], None]] = []
        self._repeated = False
        self._broken = False

    @property
    def request_key(self) -> bytes:
        """The key for fingerprints of repeated requests."""
        return self._owner.request_key

    @property
    def keys(self) -> KeyStore:
        """The data keys of this service, for sealing and opening personal content."""
        return self._owner.keys

    def digest(self, purpose: str, text: str) -> bytes:
        """A keyed hash for equality of a sealed value, apart for each purpose (HMAC-SHA256)."""
        return hmac.new(self._owner.request_key, f"{purpose}\0{text}".encode(), hashlib.sha256).digest()

    def one(self, query: LiteralString, parameters: Parameters = ()) -> dict[str, Any] | None:
        """The first row as a dict, or None."""
        return self._ask(Statement(query, parameters)).fetchone()

    def all(self, query: LiteralString, parameters: Parameters = ()) -> list[dict[str, Any]]:
        """All rows as dicts."""
        return self._ask(Statement(query, parameters)).fetchall()

    def run(self, query: LiteralString, parameters: Parameters = (), *, expect: int | None = 1) -> int:
        """Run a write now and assert how many rows it touched. Raises WrongRowCount; `expect=None` takes any number."""
        return self._ask(Statement(query, parameters, expect)).rowcount

    def later(self, query: LiteralString, parameters: Parameters = (), *, expect: int | None = 1) -> None:
        """Keep a write back until the next question or the end; its row count is asserted before the commit."""
        self._place()
        self._kept.append(Statement(query, parameters, expect))

    @contextlib.contextmanager
    def acting_for(self, org: uuid.UUID) -> Iterator[None]:
        """Act for another organisation for the statements inside; for stores only, to write the other party's row."""
        before = self._org
        self._org = org
        try:
            yield
        finally:
            self._org = before

    @contextlib.contextmanager
    def closed_too(self) -> Iterator[None]:
        """See rows that are held by order or erased as well, for the statements inside; nothing ordinary does."""
        before = self._closed
        self._closed = True
        try:
            yield
        finally:
            self._closed = before

    def claimed(self) -> uuid.UUID | None:
        """The object of an earlier request with the same idempotency key, else None and the key is claimed."""
        found = requests.claim(self)
        self._repeated = found is not None
        return found

    def tell(self, *events: Event | outbox.Ready) -> None:
        """Let events leave with this transaction, in this order."""
        origin = self._origin()
        self._told.extend((event, origin) for event in events)

    def record(self, entry: audit.Entry) -> None:
        """Set the one audit row of this unit of work; its object is what a repeated request will find again.

        Raises RuntimeError when there is one already: the first would be lost without a word.
        """
        if self._audit is not None:
            raise RuntimeError("a unit of work has one audit row")
        self._audit = entry

    def after(self, act: Callable[[], None]) -> None:
        """Do something in this process once the commit is through; never when there is none. It must not wait."""
        self._afterwards.append(act)

    def begin(self, org: uuid.UUID | None) -> None:
        """Open the transaction for an organisation; sent with the first statement."""
        self._begun = False
        self._org = self._org_sent = org
        self._kept.append(Statement(BEGIN))
        if org is not None:
            self._kept.append(Statement(ACT, (str(org),)))

    def look(self) -> None:
        """Only read, without a transaction; the first statement may still change a dead connection for a living one."""
        self._begun = False

    def finish(self) -> bool:
        """Write what the work leaves behind and commit. Returns whether there are events to wake the relay for."""
        if self._told or self._audit:
            self._kept.append(self._left())
        elif not self._begun and self._kept[0].query == BEGIN and all(s.query in {BEGIN, ACT} for s in self._kept):
            return False  # nothing was asked
        if not self._begun or any(statement.expect is not None for statement in self._kept):
            self._send(self._taken())  # counts are asserted, and a dead connection is noticed, before the commit
        self._send([*self._taken(), Statement(COMMIT)])
        if self.call is not None and self._audit is not None:
            self.call.recorded = True
        return bool(self._told)

    def settled(self) -> None:
        """Do what was to be done after the commit. A fault there undoes nothing, so it is only logged."""
        for act in self._afterwards:
            try:
                act()
            except Exception as error:  # noqa: BLE001 - the commit is through; the caller must not believe otherwise
                log_fault("after_commit.fault", error)

    def undo(self) -> None:
        """Roll back whatever reached the server; a dead connection is thrown away by the pool."""
        self._kept.clear()
        if self._broken:
            # psycopg believes in prepared statements that an aborted pipeline never made; a new connection does not
            self.connection.close()
            return
        with contextlib.suppress(psycopg.Error):
            self.connection.execute(ROLLBACK)

    def _ask(self, statement: Statement) -> psycopg.Cursor[DictRow]:
        self._place()
        return self._send([*self._taken(), statement])

    def _place(self) -> None:
        # Only when a statement needs it: what an outbox row needs is no organisation.
        if self._org != self._org_sent:
            self._kept.append(Statement(ACT, (str(self._org) if self._org else "",)))
            self._org_sent = self._org
        if self._closed != self._closed_sent:
            self._kept.append(Statement(SEE_CLOSED, ("on" if self._closed else "",)))
            self._closed_sent = self._closed

    def _taken(self) -> list[Statement]:
        taken, self._kept = self._kept, []
        return taken

    def _send(self, statements: list[Statement]) -> psycopg.Cursor[DictRow]:
        """Send in one round trip; until the first answer has come, a dead connection is replaced by another."""
        while True:
            try:
                cursors = self._sent(statements)
            except psycopg.OperationalError:
                if self._begun or not self.connection.closed:
                    raise
                self.connection = self._owner.replaced(self.connection)
            else:
                self._begun = True
                return cursors[-1]

    def _sent(self, statements: list[Statement]) -> list[psycopg.Cursor[DictRow]]:
        if len(statements) == 1:
            cursors = [self.connection.execute(statements[0].query, statements[0].parameters)]
        else:
            self._broken = True
            with one_flush(self.connection):
                cursors = [self.connection.execute(each.query, each.parameters) for each in statements]
            self._broken = False
        for statement, cursor in zip(statements, cursors, strict=True):
            if statement.expect is not None and cursor.rowcount != statement.expect:
                message = f"expected {statement.expect} rows, touched {cursor.rowcount}"
                raise WrongRowCount(message)
        return cursors

    def _left(self) -> Statement:
        call = self.call
        entry = self._audit or audit.Entry(operation="-", object_type="-", object_id=None)
        row = audit.row_of(entry, call, actor=self.actor, at=self.now, key=self._owner.audit_key)
        parameters = {
            **row,
            "events": outbox.as_json(self._told),
            "audit_id": row["id"] if self._audit else None,
            "now": self.now,
            **self._remembered(entry.object_id),
        }
        return Statement(outbox.LEAVE, parameters, 1 if self._audit else None)

    def _origin(self) -> outbox.Origin:
        call, cause = self.call, self.cause
        if call is not None:
            return outbox.Origin(call.trace, call.request_id, None)
        if cause is not None:
            return outbox.Origin(cause.traceparent, cause.correlation_id, str(cause.id))
        return outbox.Origin(None, None, None)

    def _remembered(self, object_id: uuid.UUID | None) -> dict[str, Any]:
        call = self.call
        if call is None or call.idempotency_key is None or object_id is None or self._repeated:
            return dict.fromkeys(("scope", "key", "request_mac", "request_object"))
        return {
            "scope": requests.scope_of(call),
            "key": requests.hashed(call.idempotency_key, self.request_key),
            "request_mac": requests.fingerprint(call, self.request_key),
            "request_object": object_id,
        }
