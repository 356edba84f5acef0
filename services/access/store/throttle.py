"""Rows of failed tries: counted before the try is made, so that tries in parallel see each other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from chassis.db import Work

TRY = """
INSERT INTO throttle AS t (key, failures, blocked_until, tried_at) VALUES (%(key)s, 0, %(at)s, %(at)s)
ON CONFLICT (key) DO UPDATE SET failures = CASE WHEN t.tried_at < %(forgotten)s THEN 0 ELSE t.failures END
RETURNING failures, blocked_until
"""


def lock(work: Work, key: bytes, *, forgotten: dt.datetime) -> tuple[int, dt.datetime]:
    """Failures and the end of the delay for a key, locked until the end of this work."""
    row = work.one(TRY, {"key": key, "at": work.now, "forgotten": forgotten})
    return (row["failures"], row["blocked_until"]) if row else (0, work.now)


COUNT = "UPDATE throttle SET failures = %s, blocked_until = %s, tried_at = %s WHERE key = %s"


def count(work: Work, key: bytes, *, failures: int, until: dt.datetime) -> None:
    """Keep one more try as failed, until it turns out to be right."""
    work.later(COUNT, (failures, until, work.now, key))


RIGHT = "UPDATE throttle SET failures = greatest(failures - 1, 0), blocked_until = %s WHERE key = %s"
FORGET = "DELETE FROM throttle WHERE key = %s"


def right(work: Work, *, own: bytes, shared: Sequence[bytes]) -> None:
    """A try was right: its own key is forgotten, and a shared one (a network) has one failure less."""
    work.run(FORGET, (own,), expect=None)
    for key in shared:
        work.run(RIGHT, (work.now, key), expect=None)


SWEEP = "DELETE FROM throttle WHERE tried_at <= %s"


def sweep(work: Work, until: dt.datetime) -> int:
    """Delete what nobody tried since; returns how many rows."""
    return work.run(SWEEP, (until,), expect=None)
