"""What the relay reads and writes in a service's database: lock, unpublished rows, marks, clean-up."""

from __future__ import annotations

import psycopg
from psycopg.rows import DictRow, dict_row

Connection = psycopg.Connection[DictRow]

LOCK = 7_402_511  # one number for all: advisory locks are counted per database
KEEP_REQUEST_DAYS = 7  # http-api.md, Idempotency-Key
CLEANED_AT_ONCE = 5_000

# A plan is kept with its statement. One made while the outbox was small reads all of it for each batch of a burst,
# until statistics are gathered (0030). So nothing here reads a whole table or sorts what an index has in order.
PLANS = "-c enable_seqscan=off -c enable_sort=off"
OPTIONS = f"-c statement_timeout=15000 -c lock_timeout=5000 -c application_name=relay {PLANS}"


def connect(url: str) -> Connection:
    """A connection that notices a dead server within seconds; raises psycopg.Error."""
    return psycopg.connect(
        url,
        autocommit=True,
        row_factory=dict_row,
        connect_timeout=5,
        options=OPTIONS,
        keepalives_idle=5,
        keepalives_interval=3,
        keepalives_count=3,
        tcp_user_timeout=15_000,
    )


_LEAD = "SELECT pg_try_advisory_lock(%s) AS leads"


def try_to_lead(connection: Connection) -> bool:
    """Take the leader's lock, which lives as long as the connection; False when another relay has it."""
    row = connection.execute(_LEAD, (LOCK,)).fetchone()
    return bool(row and row["leads"])


_OLDEST = """
SELECT no, id, exchange, routing_key, type, version, aggregate_type, aggregate_id, audience, sequence, data, body,
       traceparent, correlation_id, causation_id, occurred_at
  FROM outbox WHERE published_at IS NULL AND routing_key <> ALL(%s) AND no <> ALL(%s)
 ORDER BY no LIMIT %s
"""


def oldest(connection: Connection, *, without: list[str], broken: list[int], limit: int) -> list[DictRow]:
    """The oldest unpublished rows, but for routing keys whose next try is not due yet and rows that are of no use."""
    return connection.execute(_OLDEST, (without, broken, limit)).fetchall()


_PUBLISHED = """
UPDATE outbox SET published_at = now(), attempts = attempts + 1, last_error = NULL WHERE no = ANY(%s)
"""


def mark_published(connection: Connection, numbers: list[int]) -> None:
    """Mark a whole batch in one statement."""
    connection.execute(_PUBLISHED, (numbers,))


_FAILED = "UPDATE outbox SET attempts = attempts + 1, last_error = %s WHERE no = ANY(%s)"


def mark_failed(connection: Connection, numbers: list[int], reason: str) -> None:
    """Note why rows could not be published; `reason` is a code."""
    connection.execute(_FAILED, (reason, numbers))


_LAG = """
SELECT count(*) AS unpublished, count(last_error) AS not_accepted,
       greatest(coalesce(extract(epoch FROM now() - min(occurred_at)), 0), 0)::float AS oldest_seconds
  FROM outbox WHERE published_at IS NULL
"""


def lag(connection: Connection) -> DictRow:
    """How many rows wait (`unpublished`), how many of them the broker gave back, and the age of the oldest."""
    row = connection.execute(_LAG).fetchone()
    return row or {"unpublished": 0, "not_accepted": 0, "oldest_seconds": 0.0}


# The age is asked of the row itself once more: one that is told again while this waits for it must not be deleted.
_CLEAN = """
DELETE FROM outbox WHERE published_at < now() - make_interval(days => %(days)s) AND no IN (
    SELECT no FROM outbox WHERE published_at < now() - make_interval(days => %(days)s)
     ORDER BY published_at LIMIT %(limit)s)
"""


_FORGET_REQUESTS = "DELETE FROM request WHERE created_at < now() - make_interval(days => %s)"


def clean(connection: Connection, days: int) -> int:
    """Delete published rows older than `days`, some at a time, and remembered requests; returns how many."""
    forgotten = connection.execute(_FORGET_REQUESTS, (KEEP_REQUEST_DAYS,)).rowcount
    return forgotten + connection.execute(_CLEAN, {"days": days, "limit": CLEANED_AT_ONCE}).rowcount
