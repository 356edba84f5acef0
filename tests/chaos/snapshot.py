"""The rows of every service of a network, kept and put back: a fresh start without starting anything."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psycopg
from psycopg import sql

from chassis.settings import SERVICES, Settings
from tests.support.databases import root_url

TABLES = """
SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position) FROM information_schema.columns
 WHERE table_schema = 'public' AND is_generated = 'NEVER' AND table_name IN (
       SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_migration')
 GROUP BY table_name
"""


@dataclass(frozen=True)
class Table:
    """One table with all its rows."""

    name: str
    columns: list[str]
    rows: bytes

    def names(self) -> tuple[sql.Identifier, sql.SQL]:
        """Table and columns for a statement."""
        return sql.Identifier(self.name), sql.SQL(", ").join(map(sql.Identifier, self.columns))


def kept(settings: Settings) -> dict[str, list[Table]]:
    """All rows of all services now."""
    return {service: _kept(root_url(settings, service)) for service in SERVICES}


def _kept(address: str) -> list[Table]:
    found = []
    with psycopg.connect(address) as connection:
        for name, columns in connection.execute(TABLES).fetchall():
            table = Table(name, columns, b"")
            copy = sql.SQL("COPY {} ({}) TO STDOUT (FORMAT binary)").format(*table.names())
            with connection.cursor().copy(copy) as out:
                found.append(Table(name, columns, b"".join(map(bytes, out))))
    return found


def put_back(settings: Settings, snapshot: dict[str, list[Table]]) -> None:
    """Make all rows as they were; whoever holds a lock is waited for."""
    for service, tables in snapshot.items():
        for attempt in range(10):
            try:
                _put_back(root_url(settings, service), tables)
                break
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                if attempt == 9:
                    raise
                time.sleep(0.2)


def _put_back(address: str, tables: list[Table]) -> None:
    with psycopg.connect(address) as connection:
        connection.execute("SET LOCAL session_replication_role = replica")  # no trigger, no foreign key
        connection.execute("SET LOCAL lock_timeout = 3000")
        names = sql.SQL(", ").join(sql.Identifier(table.name) for table in tables)
        connection.execute(sql.SQL("TRUNCATE {}").format(names))
        for table in tables:
            statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(*table.names())
            with connection.cursor().copy(statement) as copy:
                copy.write(table.rows)
