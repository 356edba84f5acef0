"""The one database of a service: pooled connections, units of work, and the wake-up call to the relay.

A use case commits inside itself; nothing outside does (architecture.md trap 3). Refusals of the database become
Unavailable, so that a database that is gone is a 503 with Retry-After and never a fault.
"""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from chassis.errors import Conflict, Unavailable
from chassis.sealing import KeyStore
from chassis.settings import Settings
from chassis.work import Connection, Work

if TYPE_CHECKING:
    from chassis.envelope import Received
    from chassis.requests import Call

__all__ = ["Database", "Work"]

CHECKOUT_SECONDS = 2.0
WAKE_SECONDS = 0.020
LIMITS = "-c statement_timeout=8000 -c lock_timeout=4000 -c idle_in_transaction_session_timeout=20000"


class Database:
    """The one database of a service: pooled connections, units of work, and the wake-up call to the relay."""

    def __init__(self, settings: Settings, service: str) -> None:
        """Connections are opened when they are needed, so that a process starts while the database is down."""
        self.service = service
        self.public_url = settings.public_url
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
        with self._mapped_errors():
            work = Work(self, self._pool.getconn(), call=None, actor=self.service)
            try:
                work.look()
                yield work
            finally:
                self._pool.putconn(work.connection)

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

    def replaced(self, connection: Connection) -> Connection:
        """Another connection for one that died: a restart of the database leaves dead ones in the pool."""
        self._pool.putconn(connection)
        return self._pool.getconn()

    @contextlib.contextmanager
    def _transaction(self, call: Call | None, actor: str, org: uuid.UUID | None) -> Iterator[Work]:
        with self._mapped_errors():
            work = Work(self, self._pool.getconn(), call=call, actor=actor)
            try:
                work.begin(org)
                yield work
                told = work.finish()
            except BaseException:
                work.undo()
                raise
            finally:
                self._pool.putconn(work.connection)
        if told:
            self._wanted.set()
        work.settled()

    @contextlib.contextmanager
    def _mapped_errors(self) -> Iterator[None]:
        try:
            yield
        except psycopg.errors.UniqueViolation as error:
            if error.diag.constraint_name != "request_pkey":
                raise
            message = "The first request with this Idempotency-Key has just finished; ask again."
            raise Conflict("idempotency_key.in_progress", message) from error
        except (
            psycopg.errors.QueryCanceled,
            psycopg.errors.LockNotAvailable,
            psycopg.errors.DeadlockDetected,
        ) as error:
            message = "The database was too busy; nothing was stored."
            raise Unavailable("database.busy", message, retry_after=1) from error
        except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
            raise Unavailable("database.unavailable", "The database does not answer for the moment.") from error

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
