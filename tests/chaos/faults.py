"""The kinds of faults of a campaign: each strikes, finds its way back, and tells what it did."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from chassis import clock, republish
from chassis.db import Database
from chassis.settings import SERVICES
from tests.chaos.injecting import POISON, duplicate, names, poison, send
from tests.chaos.rig import Rig
from tests.support import proxy
from tests.support.breaking import struck
from tests.support.planting import orders
from tests.support.planting.failpoints import FAILPOINTS

ALARM_SECONDS = 2.0
PARTITION_SECONDS = (1.0, 4.0)
DELAY_SECONDS = 0.03
REACH_SECONDS = 4.0
PLANTED_SECONDS = 3.0
MOST_COPIES = 200
AGAIN_SECONDS = 4.0
ON_THE_LADDER = ("retry.", "consumer.follows")
AFTER_A_GAP = ("consumer.waiting", "consumer.follows")
AT_THE_START = "relay.leads"


@dataclass
class Breaker:
    """Strikes a rig; `injected` is the poison so far."""

    rig: Rig
    chance: random.Random
    injected: set[tuple[str, str]] = field(default_factory=set)
    _points: list[str] = field(default_factory=list)

    def kill(self, name: str, number: signal.Signals) -> str:
        """End a process."""
        struck(self.rig.network, name, number)
        return name

    def alarm(self) -> str:
        """Let the broker believe that it has no memory left: it stops reading from whoever publishes."""
        self._surely(lambda: self.rig.starve(ALARM_SECONDS))
        return f"{ALARM_SECONDS} s"

    def partition(self, place: str, mode: str) -> str:
        """Cut a way, or let it swallow everything, or make it slow."""
        seconds = self.chance.uniform(*PARTITION_SECONDS)
        with self._way(place, mode):
            time.sleep(seconds)
        return f"{place} {seconds:.1f} s"

    @contextlib.contextmanager
    def _way(self, place: str, mode: str):  # type: ignore[no-untyped-def]
        self.rig.proxy.order(self.rig.ports[place], mode, DELAY_SECONDS)
        try:
            yield
        finally:
            self.rig.proxy.order(self.rig.ports[place], proxy.PASS)

    def failpoint(self) -> str | None:
        """Crash at the next failpoint of a shuffled list; None when nobody came by."""
        if not self._points:
            self._points = [point.name for point in FAILPOINTS]
            self.chance.shuffle(self._points)
        return self.crash(self._points.pop())

    def crash(self, name: str, seconds: float = REACH_SECONDS) -> str | None:
        """Let the first process that reaches a failpoint die there; None when nobody came by in time."""
        more = {"failing": 5} if name.startswith(ON_THE_LADDER) else {}
        more |= {"disorder": True} if name in AFTER_A_GAP else {}
        number = self.rig.order(failpoint=name, **more)
        if name == AT_THE_START:
            struck(self.rig.network, "relay")
        mark, deadline = orders.taken(self.rig.control, number), time.monotonic() + seconds
        while not mark.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.rig.order()
        return f"{name} in {json.loads(mark.read_text())['who']}" if mark.exists() else None

    def planted(self, **wanted: object) -> str:
        """Handlers that fail for a while, or batches in disorder."""
        self.rig.order(**wanted)
        time.sleep(PLANTED_SECONDS)
        self.rig.order()
        return ", ".join(wanted)

    def duplicates(self) -> str:
        """Copies of recent messages once more."""
        chance = self._apart()
        return f"{self._surely(lambda: duplicate(self.rig, chance, MOST_COPIES))} copies"

    def _apart(self) -> random.Random:
        """A source for what needs more or less of it from run to run, so that the seed still gives the same faults."""
        return random.Random(self.chance.random())

    def told_again(self) -> str:
        """What `republish --since` does, for every service that tells."""
        told = 0
        for service in ("directory", "referrals", "subscriptions"):
            told += self._surely(lambda service=service: self._again(service))  # type: ignore[misc]
        return f"{told} events"

    def _again(self, service: str) -> int:
        with contextlib.closing(Database(self.rig.settings, service)) as database:
            return republish.since(database, clock.now() - timedelta(seconds=AGAIN_SECONDS), actor="operator")

    def poison(self) -> str:
        """One message of every kind that can never be taken; the largest once."""
        kinds = list(POISON) if not self.injected else [kind for kind in POISON if kind != "five megabytes"]
        sent = poison(self._apart(), kinds)
        self.injected |= names(sent)
        self._surely(lambda: send(self.rig, sent))
        return f"{len(sent)} messages"

    def _surely(self, act: Callable[[], object]):  # type: ignore[no-untyped-def]
        """The broker or the database may just be starting."""
        deadline = time.monotonic() + 60
        while True:
            try:
                return act()
            except Exception:  # whatever the reason, it is tried until the time is over
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)


def ways(breaker: Breaker) -> list[tuple[str, Callable[[], str | None]]]:
    """Kind of fault and what strikes; a campaign goes through all in the order of its seed, again and again."""
    kill, stop = signal.SIGKILL, signal.SIGTERM
    found: list[tuple[str, Callable[[], str | None]]] = [
        (f"kill -9 {'a service' if name in SERVICES else name}", lambda name=name: breaker.kill(name, kill))  # type: ignore[misc]
        for name in (*SERVICES, "gateway", "relay", "rabbitmq", "postgres")
    ]
    return [
        *found,
        ("immediate stop of postgres", lambda: breaker.kill("postgres", signal.SIGQUIT)),
        ("SIGTERM a service", lambda: breaker.kill(breaker.chance.choice(SERVICES), stop)),
        ("SIGTERM relay", lambda: breaker.kill("relay", stop)),
        ("memory alarm of rabbitmq", breaker.alarm),
        ("partition from rabbitmq, refused", lambda: breaker.partition("amqp", proxy.CUT)),
        ("partition from rabbitmq, silent", lambda: breaker.partition("amqp", proxy.HOLD)),
        ("partition from postgres, refused", lambda: breaker.partition("postgres", proxy.CUT)),
        ("partition from postgres, silent", lambda: breaker.partition("postgres", proxy.HOLD)),
        ("slow way to postgres", lambda: breaker.partition("postgres", proxy.DELAY)),
        ("crash at a failpoint", breaker.failpoint),
        ("crash at a failpoint", breaker.failpoint),
        ("crash at a failpoint", breaker.failpoint),
        ("handlers that fail", lambda: breaker.planted(failing=10)),
        ("batches in disorder", lambda: breaker.planted(disorder=True)),
        ("duplicates", breaker.duplicates),
        ("told again since", breaker.told_again),
        ("poison", breaker.poison),
    ]
