"""What row security costs a request: the same use cases with the policies on and off, in turns within one run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from chassis.db import Database
from chassis.requests import Call
from chassis.settings import Settings
from services.referrals import usecases
from tests.support.databases import root_url
from tests.support.referrals import CENTRE, POLICE, listing, look, new

TABLES = ("sender_record", "receiver_case", "history", "case_member", "outside_read")
ROUNDS, EACH = 12, 60
Row = dict[str, Any]


def rows(settings: Settings) -> list[Row]:
    """One row per use case: p50 with and without, and the difference, in milliseconds."""
    db = Database(settings, "referrals")
    try:
        made = [usecases.create(db, new()).value["id"] for _ in range(300)]
        acts: dict[str, Callable[[int], object]] = {
            "create": lambda _: usecases.create(db, new()),
            "read": lambda number: usecases.read(db, _read(made[number % len(made)])),
            "inbox": lambda _: usecases.inbox(db, listing(CENTRE)),
            "sent": lambda _: usecases.sent(db, listing(POLICE)),
        }
        return [_row(settings, name, act) for name, act in acts.items()]
    finally:
        db.close()


def _read(referral_id: Any) -> Call:
    return look(CENTRE, referral_id)


def _row(settings: Settings, name: str, act: Callable[[int], object]) -> Row:
    taken: dict[bool, list[float]] = {True: [], False: []}
    for round_ in range(2 * ROUNDS):
        protected = round_ % 2 == 0
        with _policies(settings, on=protected):
            for number in range(10):
                act(number)  # plans are made anew after a change of the table
            for number in range(EACH):
                began = time.perf_counter()
                act(number)
                taken[protected].append((time.perf_counter() - began) * 1000)
    on, off = (statistics.median(taken[protected]) for protected in (True, False))
    return {
        "what": f"row security: {name}",
        "p50_ms": round(on, 3),
        "p50_without_ms": round(off, 3),
        "cost_ms": round(on - off, 3),
        "per_second": "",
        "p99_ms": "",
    }


@contextmanager
def _policies(settings: Settings, *, on: bool) -> Iterator[None]:
    acts = () if on else ("DISABLE", "ENABLE")
    _alter(settings, acts[:1])
    try:
        yield
    finally:
        _alter(settings, acts[1:])


def _alter(settings: Settings, acts: tuple[str, ...]) -> None:
    with psycopg.connect(root_url(settings, "referrals"), autocommit=True) as connection:
        for act in acts:
            for table in TABLES:
                connection.execute(f"ALTER TABLE {table} {act} ROW LEVEL SECURITY".encode())
