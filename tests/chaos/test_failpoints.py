"""Every named failpoint is reached by some process under load, and the network gets over a crash at each."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.chaos.faults import Breaker
from tests.chaos.rig import Rig
from tests.support.breaking import whole
from tests.support.campaign import Clients
from tests.support.planting.failpoints import FAILPOINTS
from tests.support.proof import settled

WORKERS = 4
REACH_SECONDS = 60.0
MOST_BEHIND = 100


@pytest.mark.slow
def test_a_crash_at_every_failpoint_loses_nothing(broken: Rig, tmp_path: Path) -> None:
    history, breaker = tmp_path / "history.jsonl", Breaker(broken, random.Random(1))
    broken.fresh()
    with broken.reader() as partner:
        clients = Clients(
            broken.settings,
            history,
            workers=WORKERS,
            seed=1,
            directory=True,
            behind=lambda: clients.acknowledged + clients.changed - len(partner.different) > MOST_BEHIND,
        )
        with clients:
            reached = {}
            for point in FAILPOINTS:
                reached[point.name] = breaker.crash(point.name, REACH_SECONDS)
                whole(broken.network)
        _, wrong = settled(broken.settings, history, partner)
    assert [name for name, where in reached.items() if where is None] == []
    assert clients.troubles == []
    assert wrong == []
