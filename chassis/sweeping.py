"""Deletes ready-made data keys that no record ever used, a day after they were made.

A key that was handed out but not yet committed survives: a process hands out none that is older than twelve hours
(chassis/sealing.py), so a key of more than a day that no record names can not be named by one any more.
"""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from typing import Any

import psycopg
from psycopg import sql

from chassis.settings import Settings

UNUSED_AFTER = dt.timedelta(days=1)
EVERY_SECONDS = 3600.0
BATCH = 1_000
LOCK = 7_402_522  # one sweeper at a time per service database
OPTIONS = "-c statement_timeout=60000 -c application_name=sweeper"

# By the clock of the key database. What is behind the mark was looked at before: it is used and stays.
DUE = sql.SQL("""
SELECT id, created_at FROM {schema}.data_key
 WHERE created_at < now() - %(age)s AND (created_at, id) > (%(at)s, %(id)s) ORDER BY created_at, id LIMIT %(most)s
""")
MARK = sql.SQL("SELECT until FROM {}.swept")
DELETE = sql.SQL("DELETE FROM {}.data_key WHERE id = ANY(%s)")
MOVE_MARK = sql.SQL(
    "INSERT INTO {}.swept AS s (until) VALUES (%s) ON CONFLICT (one) DO UPDATE SET until = excluded.until"
)
USED = "SELECT keys_in_use FROM keys_in_use(%s)"
HOLD = "SELECT pg_try_advisory_lock(%s)"

Connection = psycopg.Connection[tuple[Any, ...]]


def sweep(settings: Settings, service: str) -> int:
    """Delete what is due; returns how many. Raises psycopg.Error, then what is in doubt stays."""
    with (
        psycopg.connect(settings.database_url(service), autocommit=True, options=OPTIONS) as records,
        psycopg.connect(settings.keys_url(service), autocommit=True, options=OPTIONS) as keys,
    ):
        held = records.execute(HOLD, (LOCK,)).fetchone()
        return _sweep(records, keys, sql.Identifier(service)) if held and held[0] else 0


def keep_sweeping(settings: Settings, service: str, stop: threading.Event) -> None:
    """Sweep every hour until stopped. Raises psycopg.Error when a database is gone."""
    while not stop.is_set():
        sweep(settings, service)
        stop.wait(EVERY_SECONDS)


def _sweep(records: Connection, keys: Connection, schema: sql.Identifier) -> int:
    mark = keys.execute(MARK.format(schema)).fetchone()
    at, last, swept = mark[0] if mark else dt.datetime.min.replace(tzinfo=dt.UTC), uuid.UUID(int=0), 0
    while True:
        place = {"age": UNUSED_AFTER, "at": at, "id": last, "most": BATCH}
        rows = keys.execute(DUE.format(schema=schema), place).fetchall()
        if not rows:
            return swept
        ids = [row[0] for row in rows]
        used = {row[0] for row in records.execute(USED, (ids,))}
        unused = [each for each in ids if each not in used]
        keys.execute(DELETE.format(schema), (unused,))
        swept += len(unused)
        last, at = rows[-1]
        keys.execute(MOVE_MARK.format(schema), (at,))
