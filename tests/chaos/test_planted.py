"""Each planted defect is found by a short campaign in running processes, and the same bad luck without it is not.

Without this the campaign would prove nothing: it could be blind.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.injecting import POISON, duplicate, names, poison, send
from tests.chaos.rig import Rig
from tests.support import checker
from tests.support.breaking import whole
from tests.support.campaign import Clients
from tests.support.client import eventually
from tests.support.planting import orders
from tests.support.planting.defects import DEFECTS, Defect
from tests.support.proof import Partner, evidence_of, left, settled

LOAD_SECONDS = 1.6
WORKERS = 6
STILL_SECONDS = 1.0
MOST_STILL_SECONDS = 6.0  # what asks for lost events again and again is never still
FOUND_SECONDS = 60.0
ENOUGH = 30  # acknowledged requests, for what goes wrong with one in ten
FAILING = 10
CRASHES = 3
FEW = 6  # fewer than what a consumer takes for an outage
EVERYTHING = frozenset(
    {"crash:consumer.applied", "duplicates", "disorder", "repeats", "poison", "failing", "directory"}
)


def orders_for(needs: frozenset[str]) -> dict[str, object]:
    """What the processes are told besides the defect.

    What a consumer loses shows in the journal, so it is the journal's service that has to die; which of the four
    services gets to an event first is chance.
    """
    crash = [need.removeprefix("crash:") for need in needs if need.startswith("crash:")]
    consumer = any(name.startswith("consumer.") for name in crash)
    return {
        **({"failpoint": crash[0]} if crash else {}),
        **({"who": "subscriptions"} if consumer else {}),
        **({"disorder": True} if "disorder" in needs else {}),
        **({"failing": FAILING} if "failing" in needs else {}),
    }


def crash_again(rig: Rig, order: Callable[[], int]) -> None:
    """Several times: the first crash finds one event in work, the next ones all that piled up meanwhile."""
    for _ in range(CRASHES):
        mark = orders.taken(rig.control, order())
        eventually(mark.exists, pause=0.02)
        whole(rig.network)


def crash_at_the_end(rig: Rig, order: Callable[[], int]) -> Path:
    """What a crash loses is asked for when its stream goes on; so one more has to find the last events of all.

    Returns with the process dead and ordered to die again: the mark of that death, which the clients' end goes before.
    """
    mark = orders.taken(rig.control, order())
    eventually(mark.exists, pause=0.02)
    return orders.taken(rig.control, order())


def injure(rig: Rig, needs: frozenset[str], order: Callable[[], int]) -> set[tuple[str, str]]:
    """Load with what comes from outside; returns the poison."""
    chance, injected = random.Random(7), set[tuple[str, str]]()
    order()
    if any(need.startswith("crash:") for need in needs):
        crash_again(rig, order)
    time.sleep(LOAD_SECONDS / 2)
    if "duplicates" in needs:
        eventually(lambda: duplicate(rig, chance, FEW))
    if "poison" in needs:
        messages = poison(chance, [kind for kind in POISON if kind != "five megabytes"])
        send(rig, messages)
        injected = names(messages)
    time.sleep(LOAD_SECONDS / 2)
    return injected


def enough(clients: Clients, needs: frozenset[str]) -> bool:
    """Whether so much has happened, on a slow machine too, that a rare defect has shown."""
    return clients.acknowledged > ENOUGH and ("directory" not in needs or clients.changed > 1)


def still(rig: Rig, partner: Partner) -> None:
    """Wait until nothing moves any more, whether or not all has come to its end."""
    seen, since, deadline = None, time.monotonic(), time.monotonic() + MOST_STILL_SECONDS
    while time.monotonic() < min(since + STILL_SECONDS, deadline):
        now = (left(rig.settings), len(partner.arrived))
        if now != seen:
            seen, since = now, time.monotonic()
        time.sleep(0.2)


def verdict(rig: Rig, history: Path, defect: Defect, partner: Partner, injected: set[tuple[str, str]]) -> list[str]:
    """What the checker says of the defect: at the end of all, or twice in the same words where no end comes."""
    deadline, before = time.monotonic() + FOUND_SECONDS, set[str]()
    while True:
        still(rig, partner)
        evidence = evidence_of(rig.settings, history, partner, injected)
        wrong = checker.faults(evidence)
        found = {line for line in wrong if defect.found_by in line}
        if found and (found & before or not any(evidence.leftovers.values())):
            return sorted(found)
        if time.monotonic() > deadline:
            pytest.fail(f"not found: {defect.found_by}, but {wrong[:20]}")
        before = found


@pytest.mark.slow
@pytest.mark.parametrize("defect", DEFECTS.values(), ids=lambda defect: defect.name)
def test_a_planted_defect_is_found(broken: Rig, tmp_path: Path, defect: Defect) -> None:
    history, needs = tmp_path / "history.jsonl", frozenset(filter(None, [defect.needs]))
    broken.fresh()

    def order() -> int:
        return broken.order(defect=defect.name, **orders_for(needs))

    with broken.reader() as partner:
        with Clients(
            broken.settings,
            history,
            workers=WORKERS,
            seed=1,
            repeats="repeats" in needs,
            directory="directory" in needs,
        ) as clients:
            injected = injure(broken, needs, order)
            eventually(lambda: clients.troubles or enough(clients, needs))
            last = crash_at_the_end(broken, order) if "crash:consumer.applied" in needs else None
        eventually(lambda: last is None or last.exists(), pause=0.02)
        assert verdict(broken, history, defect, partner, injected)


@pytest.mark.slow
def test_the_same_bad_luck_without_a_defect_is_got_over(broken: Rig, tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    broken.fresh()
    with broken.reader() as partner:
        with Clients(broken.settings, history, workers=WORKERS, seed=1, repeats=True, directory=True) as clients:
            injected = injure(broken, EVERYTHING, lambda: broken.order(**orders_for(EVERYTHING)))
            broken.order()
        evidence, wrong = settled(broken.settings, history, partner, injected=injected)
    assert clients.troubles == []
    assert wrong == []
    assert set(evidence.parked) == injected
    assert len(evidence.history) > clients.acknowledged > WORKERS
