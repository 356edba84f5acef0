"""One campaign of any length: break things in the order of a seed while clients work, wait, check, count.

`python -m tests.chaos.run --minutes 30 --faults 150 --transitions 100000 --seed 7` on instances of its own; the change
tier in `make test` is the same code with smaller numbers. All is kept in build/chaos/SEED/.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.faults import Breaker, ways
from tests.chaos.figures import Figures, Sightings, Struck, duplicates, recovery, sorted_out
from tests.chaos.rig import Rig, running
from tests.support.breaking import whole
from tests.support.campaign import Clients
from tests.support.client import eventually
from tests.support.proof import Partner, settled

ROOT = Path(__file__).parents[2]
SEED_SETTING = "TUKIVERKKO_CHAOS_SEED"
TELL_SECONDS = 30.0
RECOVERY_SECONDS = 60.0
AFTERWARDS = 20
CALM_SHARE = 0.7
STRIKE_SECONDS = 4.0  # what a fault takes on average with what it takes to get over it
SPARE = 1.2  # so many times as many faults as are asked for fit in
MOST_BEHIND = 200  # events on their way to the partner; more would only measure how long a queue can become


@dataclass(frozen=True)
class Tier:
    """How long a campaign goes on: until all of these are reached, and in any case until `most_seconds`."""

    seconds: float
    faults: int
    kinds: int
    transitions: int
    most_seconds: float
    pause: tuple[float, float]
    workers: int = 8
    calm_seconds: float = 15.0


CHANGE = Tier(seconds=60, faults=8, kinds=6, transitions=4_000, most_seconds=480, pause=(0.3, 2.0), calm_seconds=6.0)


def seed_of_this_run() -> int:
    """A random one, or that of an earlier run to repeat its faults."""
    return int(os.environ.get(SEED_SETTING) or random.SystemRandom().randrange(10**6))


def folder_of(seed: int) -> Path:
    """Where the history and the figures of a campaign stay; what an earlier one of the same seed left is put away."""
    folder = ROOT / "build" / "chaos" / str(seed)
    if folder.exists():
        number = next(number for number in itertools.count(1) if not folder.with_name(f"{seed}.{number}").exists())
        folder.rename(folder.with_name(f"{seed}.{number}"))
    folder.mkdir(parents=True)
    return folder


class Campaign:
    """One campaign on one rig."""

    def __init__(self, rig: Rig, tier: Tier, seed: int) -> None:
        self.rig, self.tier, self.seed = rig, tier, seed
        self.folder = folder_of(seed)
        self.history = self.folder / "history.jsonl"
        self.breaker = Breaker(rig, random.Random(seed))
        self._chance = random.Random(seed + 1)
        self.struck: list[Struck] = []
        self._sightings = Sightings(rig.settings)
        self._begun = self._told = time.monotonic()

    def run(self) -> Figures:
        """All of it; the logs are kept when anything was wrong."""
        try:
            figures = self._run()
        except BaseException:
            self._keep_logs()
            raise
        if figures.wrong:
            self._keep_logs()
        figures.write(self.folder)
        return figures

    def _keep_logs(self) -> None:
        shutil.copytree(self.rig.settings.home / "logs", self.folder / "logs", dirs_exist_ok=True)
        shutil.copy(self.rig.network.log, self.folder / "logs" / "up.log")

    def _run(self) -> Figures:
        self.rig.fresh()
        with self.rig.reader() as partner:
            clients = Clients(
                self.rig.settings,
                self.history,
                workers=self.tier.workers,
                seed=self.seed,
                directory=True,
                behind=lambda: self._behind(clients, partner) > MOST_BEHIND,
            )
            with clients:
                eventually(lambda: clients.acknowledged > AFTERWARDS)
                self._begun = time.monotonic()
                self._break(clients, partner)
                whole(self.rig.network)
                before = clients.acknowledged
                eventually(lambda: clients.acknowledged > before + AFTERWARDS, RECOVERY_SECONDS)
            seconds, ended = round(time.monotonic() - self._begun), time.monotonic()
            evidence, wrong = settled(
                self.rig.settings, self.history, partner, injected=self.breaker.injected, seconds=RECOVERY_SECONDS * 2
            )
            quiet = round(time.monotonic() - ended, 1)
        self._sightings.look()
        wrong = [*(f"a client gave up: {trouble}" for trouble in clients.troubles), *wrong]
        lost, twice, order, other = sorted_out(wrong)
        return Figures(
            seed=self.seed,
            seconds=seconds,
            faults=len(self.struck),
            kinds=len({each.kind for each in self.struck}),
            transitions=clients.acknowledged,
            requests_repeated=clients.repeated,
            events=len(evidence.told),
            journalled=len(evidence.journal),
            lost=lost,
            stored_twice=twice,
            out_of_order=order,
            other_faults=other,
            partner_got=len(evidence.arrived),
            partner_got_again=duplicates(evidence),
            services_saw_again=dict(self._sightings.total),
            poison=len(evidence.injected),
            parked=len(evidence.parked),
            settled_after_seconds=quiet,
            recovery=recovery(self.struck, evidence.history, partner.arrived),
            wrong=wrong[:100],
        )

    def _break(self, clients: Clients, partner: Partner) -> None:
        for kind, strike in self._order():
            if self._enough(clients):
                return
            at = time.monotonic()
            what = strike()
            if what is not None:
                self.struck.append(Struck(kind, what, at, time.monotonic()))
                clients.note({"fault": kind, "what": what, "at": at, "over": time.monotonic()})
            self._tell(clients)
            self._sightings.look()
            if self._chance.random() < CALM_SHARE:
                self._calm(clients, partner)
            time.sleep(self._chance.uniform(*self.tier.pause))

    def _calm(self, clients: Clients, partner: Partner) -> None:
        """Wait until what was acknowledged is at the partner; some faults strike before that, on top of others."""
        due, deadline = clients.acknowledged + clients.changed, time.monotonic() + self.tier.calm_seconds
        while len(partner.different) < due and time.monotonic() < deadline:
            time.sleep(0.1)

    @staticmethod
    def _behind(clients: Clients, partner: Partner) -> int:
        return clients.acknowledged + clients.changed - len(partner.different)

    def _order(self) -> Iterator[tuple]:  # type: ignore[type-arg]
        while True:
            found = ways(self.breaker)
            self._chance.shuffle(found)
            yield from found

    def _enough(self, clients: Clients) -> bool:
        gone, tier = time.monotonic() - self._begun, self.tier
        kinds = len({each.kind for each in self.struck})
        reached = len(self.struck) >= tier.faults and kinds >= tier.kinds and clients.acknowledged >= tier.transitions
        return bool(clients.troubles) or gone > tier.most_seconds or (gone > tier.seconds and reached)

    def _tell(self, clients: Clients) -> None:
        if time.monotonic() - self._told > TELL_SECONDS:
            self._told = time.monotonic()
            gone = round(self._told - self._begun)
            print(  # noqa: T201 - somebody waits
                f"{gone} s: {len(self.struck)} faults, {clients.acknowledged} acknowledged, "
                f"{clients.repeated} repeated, "
                f"last: {self.struck[-1].kind if self.struck else '-'}",
                flush=True,
            )


def main(arguments: list[str]) -> int:
    """Run one campaign on a network of its own; 0 when all is sound and all numbers are reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--faults", type=int, default=150)
    parser.add_argument("--transitions", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=None)
    asked = parser.parse_args(arguments)
    seed = seed_of_this_run() if asked.seed is None else asked.seed
    seconds = asked.minutes * 60
    pause = 2 * max(0.5, seconds / (asked.faults * SPARE) - STRIKE_SECONDS)
    tier = Tier(seconds, asked.faults, min(10, asked.faults), asked.transitions, seconds * 1.5, (0.3, pause))
    print(f"{SEED_SETTING}={seed}", flush=True)  # noqa: T201 - this repeats the run
    with running() as rig:
        figures = Campaign(rig, tier, seed).run()
    print(figures.table())  # noqa: T201 - what the run is for
    for line in figures.wrong[:20]:
        print(f"WRONG: {line}")  # noqa: T201 - as above
    enough = figures.faults >= asked.faults and figures.transitions >= asked.transitions
    return 0 if enough and not figures.wrong else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
