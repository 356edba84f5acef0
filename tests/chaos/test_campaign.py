"""The change tier: a minute of mixed faults while clients work; then everything must be there, once and in order.

TUKIVERKKO_CHAOS_SEED repeats a run's faults; the seed is printed by every run.
"""

from __future__ import annotations

import os
import random
import re
import signal
import time
from pathlib import Path

import pytest

from tests.support.breaking import KILLABLE, whole
from tests.support.campaign import Clients
from tests.support.checker import faults
from tests.support.client import CENTRE, eventually
from tests.support.network import Network
from tests.support.proof import Partner, settled

FAULT_SECONDS = 28.0
LEAST_FAULTS = 8
PAUSE = (0.3, 2.0)
WORKERS = 8
WAYS = [(name, signal.SIGKILL) for name in KILLABLE] + [("postgres", signal.SIGQUIT), ("relay", signal.SIGTERM)]


@pytest.fixture(scope="module")
def seed() -> int:
    """The seed of this run."""
    return int(os.environ.get("TUKIVERKKO_CHAOS_SEED") or random.SystemRandom().randrange(10**6))


def granted(network: Network, name: str) -> tuple[str, str]:
    made = network.command("grant", "create", "--org", CENTRE, "--name", name)
    assert made.returncode == 0, made.stderr
    found = dict(re.findall(r"^(\w+) +(\S.*)$", made.stdout, re.MULTILINE))
    return found["address"], found["queue"]


def break_things(network: Network, seed: int) -> list[str]:
    """Break one thing after the other in an order of the seed; what is still starting is left alone."""
    chance, done, ways = random.Random(seed), [], list(WAYS)
    chance.shuffle(ways)
    end = time.monotonic() + FAULT_SECONDS
    while time.monotonic() < end:
        name, number = ways[len(done) % len(ways)]
        line = eventually(lambda name=name: found if (found := network.line(name)).pid else None)  # type: ignore[misc]
        os.kill(line.pid, number)
        done.append(f"{name} {number.name}")
        time.sleep(chance.uniform(*PAUSE))
    return done


@pytest.mark.slow
def test_mixed_faults_lose_nothing(demo: Network, tmp_path: Path, seed: int) -> None:
    print(f"TUKIVERKKO_CHAOS_SEED={seed}")  # noqa: T201 - shown when the test fails
    history = tmp_path / "history.jsonl"
    address, queue = eventually(lambda: granted(demo, f"chaos-{seed}"))
    with Partner(address, queue) as partner:
        with Clients(demo.settings, history, workers=WORKERS, seed=seed) as clients:
            eventually(lambda: clients.acknowledged > 20)
            done = break_things(demo, seed)
            whole(demo)
            before = clients.acknowledged
            eventually(lambda: clients.acknowledged > before + 20)
        evidence, wrong = settled(demo.settings, history, partner)
    print(f"{len(done)} faults, {clients.acknowledged} acknowledged, {clients.repeated} repeated: {', '.join(done)}")  # noqa: T201 -- for whoever reads the run
    assert clients.troubles == []
    assert wrong == []
    assert len(done) >= LEAST_FAULTS
    assert len(evidence.history) == clients.acknowledged
    assert evidence.delivered
    assert clients.repeated > 0
    evidence.journal.pop(len(evidence.journal) // 2)  # and the same evidence with one event less is not sound
    assert faults(evidence)
