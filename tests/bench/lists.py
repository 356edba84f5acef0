"""Work lists of one organisation with 100,000 referrals: how long each page takes, on the service's own use cases.

A tenth is open, a fiftieth restricted to named members; 19 units, 199 workers; a twelfth of what is open is late.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import psycopg

from chassis.db import Database
from chassis.identity import Caller
from chassis.keyed_ids import id_of_key
from chassis.requests import Call, Outcome
from chassis.settings import Settings
from services.referrals import usecases
from services.referrals.rules.rights import OPERATIONS
from tests.support.databases import root_url
from tests.support.referrals import POLICE, listing

REFERRALS = 100_000
ROUNDS, WARM = 400, 20
ROLES = frozenset().union(*OPERATIONS.values())
CENTRE = Caller("member:w7", id_of_key("organisation", "lt-gentys"), "lt-gentys", ROLES, "t9")
"""An organisation of the demo that nobody else writes to in the benchmark."""

Row = dict[str, Any]

FILL = """
WITH made AS (
    SELECT gen_random_uuid() AS id, n,
           CASE WHEN n %% 10 > 0 THEN (ARRAY['completed', 'ended', 'declined', 'withdrawn'])[1 + n %% 4]
                ELSE (ARRAY['sent', 'received', 'assessing', 'waitlisted', 'in_progress'])[1 + (n / 10) %% 5]
           END AS state
      FROM generate_series(1, %(count)s) AS n
), legs AS (
    INSERT INTO leg (id, episode_id, kind, sender_id, receiver_id, urgency, ordered, state, feedback_scope, created_at,
                     changed_at)
    SELECT id, id, 'ordinary', %(police)s, %(centre)s, 'urgent', false, state, 'none', now(), now() FROM made)
INSERT INTO receiver_case (id, org_id, sender_id, state, urgency, version, key_id, personal, unit, worker, restricted,
                           sent_at, changed_at, due_at)
SELECT id, %(centre)s, %(police)s, state, (ARRAY['urgent', 'standard', 'planned'])[1 + n %% 3], 1, id, '',
       'unit-' || (n / 10) %% 19, 'member:w' || (n / 10) %% 199, n %% 50 = 0, now() - n * interval '3 minutes',
       now() - n * interval '2 minutes', CASE WHEN n %% 120 = 0 THEN now() - n * interval '1 minute' END FROM made
"""


def rows(settings: Settings) -> list[Row]:
    """One row per list: p50 and p99 of a page of fifty, in milliseconds; a lead sees all units, a worker his own."""
    with psycopg.connect(root_url(settings, "referrals"), autocommit=True) as connection:
        values = {"count": REFERRALS, "police": POLICE.org_id, "centre": CENTRE.org_id}
        connection.execute(FILL.encode(), values)
        connection.execute("ANALYZE receiver_case, leg")
    db = Database(settings, "referrals")
    try:
        return [_row(name, partial(act, db, call)) for name, act, call in _lists()]
    finally:
        db.close()


def _lists() -> list[tuple[str, Callable[[Database, Call], Outcome], Call]]:
    worker = replace(CENTRE, units=frozenset({"unit-7"}), roles=frozenset({"receiver_worker"}))
    return [
        ("inbox", usecases.inbox, listing(CENTRE)),
        ("inbox, one unit's", usecases.inbox, listing(worker)),
        ("inbox, one state", usecases.inbox, listing(CENTRE, state=["assessing"])),
        ("inbox, my own open", usecases.inbox, listing(worker, worker="me", state=["sent", "received", "assessing"])),
        ("awaiting me", usecases.awaiting_me, listing(worker)),
        ("overdue", usecases.overdue, listing(CENTRE)),
        ("waiting list", usecases.waiting_list, listing(CENTRE)),
        ("counts", usecases.counts, listing(CENTRE)),
    ]


def _row(name: str, act: Callable[[], Outcome]) -> Row:
    if not act().value["items"]:
        message = f"{name}: an empty list measures nothing"
        raise AssertionError(message)
    times = []
    for _ in range(WARM + ROUNDS):
        began = time.perf_counter()
        act()
        times.append((time.perf_counter() - began) * 1000)
    times = sorted(times[WARM:])
    return {
        "what": f"list of {REFERRALS:,}: {name}",
        "per_second": round(1000 / statistics.fmean(times), 1),
        "p50_ms": round(statistics.median(times), 2),
        "p99_ms": round(times[int(len(times) * 0.99)], 2),
    }
