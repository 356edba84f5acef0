"""What a campaign has shown, in numbers: one JSON file and one table for docs/reliability.md."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import urllib3

from chassis.settings import SERVICES, Settings
from tests.support.checker import Evidence, repeated
from tests.support.walks import VERB_OF

LOST = re.compile(r"exists 0 times|stands 0 times|is 0 times|lacks \[|the partner has|is not parked")
TWICE = re.compile(r"(?:exists|stands|is) (?:[2-9]|\d\d+) times|remembered for|too often|no key asked|stands for")
ORDER = re.compile(r"another order|sequence of|copy of")
TAKEN = re.compile(r'^events_taken_total\{fate="(\w+)"\} ([\d.e+]+)$', re.MULTILINE)


@dataclass(frozen=True)
class Struck:
    """One fault as it was: when it began, when its way back was done."""

    kind: str
    what: str
    at: float
    over: float


@dataclass(frozen=True)
class Figures:
    """All of one campaign."""

    seed: int
    seconds: int
    faults: int
    kinds: int
    transitions: int
    requests_repeated: int
    events: int
    journalled: int
    lost: int
    stored_twice: int
    out_of_order: int
    other_faults: int
    partner_got: int
    partner_got_again: int
    services_saw_again: dict[str, int]
    poison: int
    parked: int
    settled_after_seconds: float
    recovery: dict[str, dict[str, float]]
    wrong: list[str]

    def table(self) -> str:
        """Markdown."""
        fates = ", ".join(f"{name} {count:,}" for name, count in sorted(self.services_saw_again.items())) or "unknown"
        rows = {
            "seed": self.seed,
            "length": f"{self.seconds} s",
            "faults, of how many kinds": f"{self.faults}, {self.kinds}",
            "acknowledged transitions": f"{self.transitions:,}",
            "requests repeated by their clients": f"{self.requests_repeated:,}",
            "events told, journalled": f"{self.events:,}, {self.journalled:,}",
            "lost": self.lost,
            "stored twice": self.stored_twice,
            "out of order": self.out_of_order,
            "other faults found": self.other_faults,
            "delivered to the partner, of these again": f"{self.partner_got:,}, {self.partner_got_again:,}",
            "what services did with what they got": fates,
            "poison injected, parked": f"{self.poison}, {self.parked}",
            "quiet by itself after the load": f"{self.settled_after_seconds} s",
        }
        head = ["| figure | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())]
        kinds = [
            f"| {kind} | {each['count']} | {each['p50']} | {each['max']} |" for kind, each in self.recovery.items()
        ]
        return "\n".join([*head, "", "| fault | times | recovery p50 s | max s |", "|---|---|---|---|", *kinds])

    def write(self, folder: Path) -> None:
        """Keep them."""
        (folder / "figures.json").write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        (folder / "figures.md").write_text(self.table() + "\n", encoding="utf-8")


class Sightings:
    """What became of the events that services got, summed over their restarts from their own metrics."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._seen: dict[str, Counter[str]] = defaultdict(Counter)
        self.total: Counter[str] = Counter()

    def look(self) -> None:
        """Once more; who does not answer is asked the next time."""
        for service in SERVICES:
            try:
                page = urllib3.request("GET", f"{self._settings.url_of(service)}/metrics", retries=False, timeout=1)
            except urllib3.exceptions.HTTPError:
                continue
            now = Counter({fate: int(float(count)) for fate, count in TAKEN.findall(page.data.decode())})
            before = self._seen[service]
            grown = all(now[fate] >= count for fate, count in before.items())
            self.total += now - before if grown else now
            self._seen[service] = now


def recovery(
    struck: Sequence[Struck], history: Sequence[dict[str, Any]], arrivals: Sequence[tuple[float, bytes]]
) -> dict[str, dict[str, float]]:
    """Per kind: from the fault until a write sent after it was acknowledged and its event had reached the partner."""
    came: dict[tuple[str, str], float] = {}
    for at, raw in arrivals:
        body = json.loads(raw)
        came.setdefault((body["subject"], body["type"].split(".")[-2]), at)
    lines = sorted((line for line in history if line["action"] in VERB_OF), key=lambda line: line["sent"])
    sent = [line["sent"] for line in lines]
    times = defaultdict(list)
    for fault in struck:
        best = float("inf")
        for line in lines[bisect_right(sent, fault.at) :]:
            if line["sent"] >= best:
                break
            arrived = came.get((line["referral"], VERB_OF[line["action"]]))
            if arrived is not None:
                best = min(best, max(arrived, line["at"]))
        times[fault.kind].append(round(best - fault.at, 2))
    return {
        kind: {"count": len(found), "p50": round(median(found), 2), "max": max(found)}
        for kind, found in sorted(times.items())
    }


def sorted_out(wrong: Sequence[str]) -> tuple[int, int, int, int]:
    """How many findings mean lost, stored twice, out of order, and something else."""
    lost = sum(bool(LOST.search(line)) for line in wrong)
    twice = sum(bool(TWICE.search(line)) for line in wrong if not LOST.search(line))
    order = sum(bool(ORDER.search(line)) for line in wrong)
    return lost, twice, order, max(0, len(wrong) - lost - twice - order)


def duplicates(evidence: Evidence) -> int:
    """How often the partner got a position again."""
    return repeated(evidence.arrived)
