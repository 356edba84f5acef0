"""The unit of work: one transaction that loads, saves, tells, remembers and audits, and commits inside the use case.

The acting organisation is set inside each transaction and nowhere else, so nothing leaks between pooled connections;
row security shows nothing without it. Source: access-and-privacy.md section 3, architecture.md traps 1, 3 and 15.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from chassis import audit, clock, outbox, requests
from chassis.errors import Conflict, Unavailable
from chassis.sealing import KeyStore
from chassis.settings import Settings

if TYPE_CHECKING:
    from chassis.envelope import Event, Received
    from chassis.requests import Call

Parameters = Mapping[str, Any] | Sequence[Any]

CHECKOUT_SECONDS = 2.0
WAKE_SECONDS = 0.020
LIMITS = "-c statement_timeout=8000 -c lock_timeout=4000 -c idle_in_transaction_session_timeout=20000"


class WrongRowCount(Exception):
    """A write touched another number of rows than it had to; row security can hide a row silently."""


class Work:
    """One running transaction. Made by Database only; rooms get it as their first argument."""

    def __init__(
        self, database: Database, connection: psycopg.Connection[DictRow], call: Call | None, actor: str
    ) -> None:
        """`actor` names the process or worker for the audit where no request is behind the work."""
        self._database = database
        self._cursor = connection.cursor()
        self._org: uuid.UUID | None = None
        self._events: list[Event | outbox.Ready] = []
        self._audit: audit.Entry | None = None
        self._object: uuid.UUID | None = None
        self.call = call
        self.actor = actor
        self.cause: Received | None = None
        self.now = clock.now()

    @property
    def request_key(self) -> bytes:
        """The key for fingerprints of repeated requests."""
        return self._database.request_key

    @property
    def keys(self) -> KeyStore:
        """The data keys of this service, for sealing and opening personal content."""
        return self._database.keys

    def digest(self, purpose: str, text: str) -> bytes:
        """A keyed hash for equality of a sealed value, apart for each purpose (HMAC-SHA256)."""
        return hmac.new(self._database.request_key, f"{purpose}\0{text}".encode(), hashlib.sha256).digest()

    def one(self, query: LiteralString, parameters: Parameters = ()) -> dict[str, Any] | None:
        """The first row as a dict, or None."""
        return self._cursor.execute(query, parameters).fetchone()

    def all(self, query: LiteralString, parameters: Parameters = ()) -> list[dict[str, Any]]:
        """All rows as dicts."""
        return self._cursor.execute(query, parameters).fetchall()

    def run(self, query: LiteralString, parameters: Parameters = (), *, expect: int | None = 1) -> int:
        """Run a write and assert how many rows it touched. Raises WrongRowCount; `expect=None` takes any number."""
        count = self._cursor.execute(query, parameters).rowcount
        if expect is not None and count != expect:
            message = f"expected {expect} rows, touched {count}"
            raise WrongRowCount(message)
        return count

    @contextlib.contextmanager
    def acting_for(self, org: uuid.UUID) -> Iterator[None]:
        """Act for another organisation for the statements inside; for stores only, to write the other party's row."""
        before = self._org
        self._act(org)
        yield
        self._act(before)

    def claimed(self) -> uuid.UUID | None:
        """The object of an earlier request with the same idempotency key, else None and the key is claimed."""
        return requests.claim(self)

    def tell(self, *events: Event | outbox.Ready) -> None:
        """Let events leave with this transaction, in this order."""
        self._events.extend(events)

    def record(self, entry: audit.Entry) -> None:
        """Set the one audit row of this unit of work; its object is what a repeated request will find again."""
        self._audit = entry
        self._object = entry.object_id

    def begin(self, org: uuid.UUID | None) -> None:
        """Open the transaction for an organisation; one round trip. The UUID type makes the text safe."""
        self._org = org
        context = f"SELECT set_config('tukiverkko.org', '{uuid.UUID(int=org.int)}', true)" if org else ""
        self._cursor.execute(f"BEGIN; {context}".encode("ascii"))

    def finish(self) -> bool:
        """Write what the work leaves behind and commit. Returns whether there are events to wake the relay for."""
        if self._events or self._audit:
            self._leave()
        self._cursor.execute(b"COMMIT")
        return bool(self._events)

    def _act(self, org: uuid.UUID | None) -> None:
        self._org = org
        self._cursor.execute("SELECT set_config('tukiverkko.org', %s, true)", (str(org) if org else "",))

    def _leave(self) -> None:
        call, cause = self.call, self.cause
        entry = self._audit or audit.Entry(operation="-", object_type="-", object_id=None)
        row = audit.row_of(entry, call, actor=self.actor, at=self.now, key=self._database.audit_key)
        keyed = call is not None and call.idempotency_key is not None and self._object is not None
        self._cursor.execute(
            outbox.LEAVE,
            {
                **outbox.columns_of(self._events),
                **row,
                "id": [event.id for event in self._events],
                "audit_id": row["id"] if self._audit else None,
                "now": self.now,
                "traceparent": call.trace if call else cause.traceparent if cause else None,
                "correlation_id": call.request_id if call else cause.correlation_id if cause else None,
                "causation_id": str(cause.id) if cause else None,
                "scope": requests.scope_of(call) if keyed and call else None,
                "key": call.idempotency_key if keyed and call else None,
                "request_mac": requests.fingerprint(call, self.request_key) if keyed and call else None,
                "request_object": self._object if keyed else None,
            },
        )


class Database:
    """The one database of a service: pooled connections, units of work, and the wake-up call to the relay."""

    def __init__(self, settings: Settings, service: str) -> None:
        """Connections are opened when they are needed, so that a process starts while the database is down."""
        self.service = service
        self.keys = KeyStore(settings, service)
        self.request_key = bytes.fromhex(settings.secret("request_key"))
        self.audit_key = bytes.fromhex(settings.secret("audit_key"))
        self._url = settings.database_url(service)
        self._pool = ConnectionPool(
            self._url,
            min_size=0,
            max_size=settings.pool_size,
            kwargs={
                "autocommit": True,
                "row_factory": dict_row,
                "connect_timeout": 3,
                "options": LIMITS,
                "prepare_threshold": 2,
            },
            timeout=CHECKOUT_SECONDS,
            reconnect_timeout=2.0,
            connection_class=psycopg.Connection[DictRow],
            open=True,
        )
        self._tries = settings.pool_size + 1
        self._pinging = threading.Lock()
        self._probe: psycopg.Connection[tuple[Any, ...]] | None = None
        self._wanted = threading.Event()
        self._closed = False
        self._waker = threading.Thread(target=self._wake_relay, daemon=True, name="wake-relay")
        self._waker.start()

    @contextlib.contextmanager
    def work(self, call: Call) -> Iterator[Work]:
        """A transaction for a request, in the context of the caller's organisation (none for a public route)."""
        with self._transaction(call, self.service, call.caller.org_id if call.caller else None) as work:
            yield work

    @contextlib.contextmanager
    def background(self, actor: str, *, org: uuid.UUID | None = None, cause: Received | None = None) -> Iterator[Work]:
        """A transaction of a subscriber, sweeper or command; without an organisation unless one is named."""
        with self._transaction(None, actor, org) as work:
            work.cause = cause
            yield work

    @contextlib.contextmanager
    def view(self) -> Iterator[Work]:
        """Single statements without a transaction and without an organisation: public rows only."""
        with self._connection() as connection:
            yield Work(self, connection, None, self.service)

    def ping(self) -> bool:
        """Whether the database answers now, on a connection apart: a busy pool is not a dead database."""
        with self._pinging:
            for _ in (1, 2):  # the kept connection may have died with an earlier restart
                try:
                    if self._probe is None or self._probe.closed:
                        self._probe = psycopg.connect(self._url, autocommit=True, connect_timeout=2)
                    self._probe.execute(b"SELECT 1")
                except psycopg.Error:
                    self._probe = None
                else:
                    return True
        return False

    def close(self) -> None:
        """Close all connections; running work must have ended."""
        self._closed = True
        self._wanted.set()
        self._waker.join(2)
        self._pool.close(timeout=2)
        self.keys.close()
        if self._probe is not None:
            self._probe.close()

    @contextlib.contextmanager
    def _transaction(self, call: Call | None, actor: str, org: uuid.UUID | None) -> Iterator[Work]:
        with self._connection(begin_for=org, begins=True) as connection:
            work = Work(self, connection, call, actor)
            work._org = org  # noqa: SLF001 -- the pair Database and Work is one unit
            try:
                yield work
                told = work.finish()
            except BaseException:
                with contextlib.suppress(psycopg.Error):  # a dead connection is thrown away by the pool
                    connection.execute(b"ROLLBACK")
                raise
        if told:
            self._wanted.set()

    @contextlib.contextmanager
    def _connection(
        self, *, begins: bool = False, begin_for: uuid.UUID | None = None
    ) -> Iterator[psycopg.Connection[DictRow]]:
        try:
            connection = self._checked_out(begins=begins, org=begin_for)
            try:
                yield connection
            finally:
                self._pool.putconn(connection)
        except psycopg.errors.UniqueViolation as error:
            if error.diag.constraint_name == "request_pkey":
                message = "The first request with this Idempotency-Key has just finished; ask again."
                raise Conflict("idempotency_key.in_progress", message) from error
            raise
        except (
            psycopg.errors.QueryCanceled,
            psycopg.errors.LockNotAvailable,
            psycopg.errors.DeadlockDetected,
        ) as error:
            raise Unavailable(
                "database.busy", "The database was too busy; nothing was stored.", retry_after=1
            ) from error
        except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
            raise Unavailable("database.unavailable", "The database does not answer for the moment.") from error

    def _checked_out(self, *, begins: bool, org: uuid.UUID | None) -> psycopg.Connection[DictRow]:
        # A restart of the database leaves dead connections in the pool; nothing was asked on them yet, so try the next.
        for attempt in range(self._tries):
            connection = self._pool.getconn()
            try:
                if begins:
                    Work(self, connection, None, "").begin(org)
            except psycopg.OperationalError:
                self._pool.putconn(connection)
                if attempt == self._tries - 1:
                    raise
            else:
                return connection
        raise PoolTimeout

    def _wake_relay(self) -> None:
        # A statement of its own after the commit: inside the transaction NOTIFY serialises the commits of the cluster.
        connection: psycopg.Connection[tuple[Any, ...]] | None = None
        while not self._closed:
            self._wanted.wait()
            self._wanted.clear()
            try:
                if connection is None or connection.closed:
                    connection = psycopg.connect(self._url, autocommit=True, connect_timeout=3)
                connection.execute("NOTIFY outbox")
            except psycopg.Error:
                connection = None  # the relay polls as well; nothing is lost
            time.sleep(WAKE_SECONDS)
        if connection is not None:
            connection.close()
