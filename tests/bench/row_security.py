"""What row security costs a request: the same use cases with and without the policies, in turns within one run.

Without means a connection that the policies do not bind (the superuser's), on the same tables. Lists are left out: the
policy is their filter by organisation, so without it they would be another query.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chassis.db import Database
from chassis.settings import Settings
from services.referrals import usecases
from tests.support.databases import root_url
from tests.support.referrals import CENTRE, look, new

PAIRS, WARM = 600, 30
Row = dict[str, Any]


def rows(settings: Settings) -> list[Row]:
    """One row per use case: p50 with and without, and the median of the differences of neighbours, in milliseconds."""
    unbound = {**(settings.environment or {}), "TUKIVERKKO_REFERRALS_DATABASE_URL": root_url(settings, "referrals")}
    with_policies = Database(settings, "referrals")
    without = Database(replace(settings, environment=unbound), "referrals")
    try:
        made = [usecases.create(with_policies, new()).value["id"] for _ in range(50)]
        return [
            _row("create", lambda db, _: usecases.create(db, new()), with_policies, without),
            _row("read", lambda db, no: usecases.read(db, look(CENTRE, made[no % 50])), with_policies, without),
        ]
    finally:
        with_policies.close()
        without.close()


def _row(name: str, act: Callable[[Database, int], object], with_policies: Database, without: Database) -> Row:
    on, off = [], []
    for number in range(WARM + PAIRS):
        pair = {with_policies: on, without: off}
        for db in pair if number % 2 else reversed(pair):  # neither is always the second
            began = time.perf_counter()
            act(db, number)
            pair[db].append((time.perf_counter() - began) * 1000)
    on, off = on[WARM:], off[WARM:]
    return {
        "what": f"row security: {name}",
        "per_second": "",
        "p50_ms": round(statistics.median(on), 3),
        "p50_without_ms": round(statistics.median(off), 3),
        "cost_ms": round(statistics.median(a - b for a, b in zip(on, off, strict=True)), 3),
        "p99_ms": "",
    }
