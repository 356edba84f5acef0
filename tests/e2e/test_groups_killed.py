"""64 men at once for a group of eight while the process that seats them is killed: never nine, and nobody is lost.

Ten rounds each time; `TUKIVERKKO_RACE_ROUNDS=200` goes on as long as a release has to.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3

from tests.support.breaking import respawned
from tests.support.client import CENTRE, Client, client
from tests.support.network import Network
from tests.support.rows import rows
from tests.support.specification import OPERATIONS
from tests.support.staffed import opened

ROUNDS = int(os.environ.get("TUKIVERKKO_RACE_ROUNDS", "10"))
MEN, SEATS = 64, 8
PATIENCE_SECONDS = 60.0
RECOVERY_SECONDS = 30.0
STATES = "SELECT state, count(*) FROM sign_up WHERE group_id = %s GROUP BY state"
COUNTS = "SELECT held, waiting, queue_last FROM peer_group WHERE id = %s"
KNOWN = "SELECT id::text FROM sign_up WHERE group_id = %s"
NUMBERS = "SELECT queue_seq FROM sign_up WHERE group_id = %s ORDER BY waiting_since, queue_seq"


def come(man: Client, group: str, repeated: list[str]) -> str:
    """Sign up, and come again with the same key until there is an answer; his sign-up's id."""
    body = {**OPERATIONS["POST /signups"].example, "group_id": group}
    key, deadline = str(uuid.uuid4()), time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            answer = man.post("/signups", body, key=key)
        except urllib3.exceptions.HTTPError:
            answer = None
        if answer is not None and answer.status == 201:
            made: str = answer.body["signup_id"]
            return made
        assert answer is None or answer.status in {409, 429, 503, 504}, answer.raw
        assert time.monotonic() < deadline, answer
        repeated.append(key)
        time.sleep(0.1)


@pytest.mark.slow
def test_never_more_men_than_seats_although_the_service_is_killed(demo: Network) -> None:
    centre, repeated = client(demo.settings, CENTRE), list[str]()
    man = client(demo.settings)
    man.pool = urllib3.PoolManager(retries=False, timeout=15, maxsize=MEN)
    for _ in range(ROUNDS):
        group = opened(centre, capacity=SEATS)
        pid = demo.line("groups").pid
        killer = threading.Timer(0.15, respawned, (demo, "groups"))
        killer.start()
        with ThreadPoolExecutor(MEN) as pool:
            made = list(pool.map(lambda _: come(man, group, repeated), range(MEN)))  # noqa: B023 - within the round
        killer.join()
        demo.until_back("groups", pid, RECOVERY_SECONDS)
        states = dict(rows(demo.settings, "groups", STATES, (group,)))
        assert states == {"confirmed": SEATS, "waiting": MEN - SEATS}
        assert rows(demo.settings, "groups", COUNTS, (group,)) == [(SEATS, MEN - SEATS, MEN)]
        assert {row[0] for row in rows(demo.settings, "groups", KNOWN, (group,))} == set(made)
        assert len(set(made)) == MEN
        assert [row[0] for row in rows(demo.settings, "groups", NUMBERS, (group,))] == list(range(1, MEN + 1))
    assert repeated, "nobody noticed that it was killed"
