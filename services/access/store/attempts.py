"""Rows that the throttle decides on: failures by client and address, and by address, as keyed hashes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from chassis.db import Work

KEEP_HOURS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Failures under one key, and the last of them."""

    hash: bytes
    failures: int
    last_at: dt.datetime


FOUND = "SELECT hash, failures, last_at FROM attempt WHERE hash = ANY(%s)"


def found(work: Work, keys: Sequence[bytes]) -> dict[bytes, Attempt]:
    """The failures under these keys."""
    return {row["hash"]: Attempt(**row) for row in work.all(FOUND, (list(keys),))}


# In the order of the hash, so that two failures at once cannot wait for each other.
FAILED = """
INSERT INTO attempt AS a (hash, failures, last_at)
SELECT hash, 1, %(now)s FROM unnest(%(keys)s) AS hash ORDER BY hash
ON CONFLICT (hash) DO UPDATE SET last_at = %(now)s,
       failures = CASE WHEN a.last_at < %(forget)s THEN 1 ELSE least(a.failures + 1, 1000000) END
"""
SWEEP = "DELETE FROM attempt WHERE last_at < %s"


def failed(work: Work, keys: Sequence[bytes], *, forget: dt.timedelta) -> None:
    """Count one more failure under each key, and drop what is old."""
    work.later(SWEEP, (work.now - dt.timedelta(hours=KEEP_HOURS),), expect=None)
    work.run(FAILED, {"keys": list(keys), "now": work.now, "forget": work.now - forget}, expect=None)


CLEARED = "DELETE FROM attempt WHERE hash = %s"


def cleared(work: Work, key: bytes) -> None:
    """Forget the failures under a key."""
    work.later(CLEARED, (key,), expect=None)
