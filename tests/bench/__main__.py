"""`make bench`: measures a private network of this machine, prints one table and writes build/bench.json beside it.

`python -m tests.bench bus` measures the bus alone, in two minutes, and writes build/bench-bus.json; `directory`
measures the search of the directory alone, on a PostgreSQL without the rest of the network.

Speed is never judged here or in a test: the table is for reading, docs/bench.md keeps figures with machine and date.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from chassis.settings import Settings
from services.referrals.schemas import NEW_REFERRAL_EXAMPLE
from tests.bench import bus, directory, lists, row_security
from tests.bench.load import Measured, drive, request
from tests.bench.processes import cpu_seconds, resident_mib, running
from tests.support import network
from tests.support.instances import Session, new_folder, wait_for

BUILD = Path(__file__).parents[2] / "build"
REPEATS = 3
RUN_SECONDS = 10.0
"""A run ends after its requests or after this, so that the whole ends in a quarter of an hour on a slow machine too."""

LISTED = "/directory/organisations?country=LT"
Row = dict[str, Any]


def main(words: Sequence[str] = ()) -> int:
    """Run everything, or the `bus` alone; returns the exit status."""
    if list(words) not in ([], ["bus"], ["directory"]):
        raise SystemExit("usage: python -m tests.bench [bus|directory]")
    console = Console()
    if list(words) == ["directory"]:
        return written(console, directory_rows(console), {}, words)
    settings = network.new_settings()
    console.print("Starting a private network …")
    running_network = network.start(settings)
    try:
        settings = running_network.settings
        seeded = network.tukiverkko(settings, "demo", "--seed-only", seconds=120)
        if seeded.returncode:
            console.print(seeded.stdout + seeded.stderr)
            return 1
        memory = {name: round(resident_mib(pid), 1) for name, pid in running(settings).items()}
        bus.until_quiet(settings)
        console.print("Commit → service, commit → partner's queue …")
        rows = bus.latency_rows(settings)
        if not words:
            rows += http_rows(settings, console)
            console.print("Row security …")
            rows += row_security.rows(settings)
            console.print("Work lists …")
            rows += lists.rows(settings)
            rows += directory_rows(console)
        console.print("Relay …")
        rows += bus.backlog_rows(settings)
    finally:
        network.discard(running_network)
    return written(console, rows, memory, words)


def directory_rows(console: Console) -> list[Row]:
    """Search, on a PostgreSQL of its own."""
    console.print("Search of the directory …")
    session = Session(new_folder())
    session.start()
    try:
        return directory.rows(wait_for(session.folder).settings())
    finally:
        session.stop()


def written(console: Console, rows: list[Row], memory: dict[str, float], words: Sequence[str]) -> int:
    """Show the table and write it beside."""
    show(console, rows, memory)
    out = BUILD / f"{'-'.join(['bench', *words])}.json"
    BUILD.mkdir(exist_ok=True)
    out.write_text(json.dumps({"machine": machine(), "memory_mib": memory, "rows": rows}, indent=1), encoding="utf-8")
    console.print(f"Written to {out}")
    return 0


def http_rows(settings: Settings, console: Console) -> list[Row]:
    """Requests through the gateway, several connections each; the median run of three by rate."""
    token = network.tukiverkko(settings, "token", "--org", "lt-police").stdout.strip()
    group = signup_group(settings)
    plans: list[tuple[str, int, int, Callable[[int], bytes]]] = []
    for connections, count in ((1, 800), (8, 2400), (32, 4800)):
        plans.append(("POST /referrals", connections, count, lambda _: referral(token)))
    for connections, count in ((1, 500), (32, 2000)):
        plans.append(("POST /signups (one group)", connections, count, lambda _: signup(group)))
    for connections, count in ((1, 800), (32, 3200)):
        plans.append((f"GET {LISTED}", connections, count, lambda _: request("GET", LISTED, headers={})))
    rows = []
    for name, connections, count, make in plans:
        console.print(f"{name}, {connections} connections …")
        warm = {"count": max(50, count // 8), "seconds": RUN_SECONDS / 4}
        drive(settings.port, make, connections=connections, **warm)
        runs = [once(settings, name, make, connections=connections, count=count) for _ in range(REPEATS)]
        rows.append(sorted(runs, key=lambda row: row["per_second"])[REPEATS // 2])
        rows[-1]["events_arrived_after_s"] = bus.seconds_until_quiet(settings)
    return rows


def once(settings: Settings, name: str, make: Callable[[int], bytes], *, connections: int, count: int) -> Row:
    """One run with the CPU time that each process used for it."""
    processes = running(settings)
    before = {each: cpu_seconds(pid) for each, pid in processes.items()}
    measured = drive(settings.port, make, connections=connections, count=count, seconds=RUN_SECONDS)
    done = len(measured.latencies)
    used = {each: (cpu_seconds(pid) - before[each]) * 1000 / done for each, pid in processes.items()}
    check(name, measured)
    return {
        "what": name,
        "connections": connections,
        "per_second": round(measured.per_second, 1),
        "p50_ms": round(measured.percentile(0.50), 2),
        "p99_ms": round(measured.percentile(0.99), 2),
        "cpu_ms": {each: round(value, 2) for each, value in used.items() if value >= 0.01},
    }


def check(name: str, measured: Measured) -> None:
    """A figure of refused requests is no figure."""
    if any(status >= 300 for status in measured.statuses):
        message = f"{name}: statuses {measured.statuses}; an answer: {measured.sample[:800]!r}"
        raise SystemExit(message)


def referral(token: str) -> bytes:
    """A new referral with a new key."""
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid.uuid4())}
    return request("POST", "/referrals", headers=headers, body=json.dumps(NEW_REFERRAL_EXAMPLE).encode())


def signup(group: str) -> bytes:
    """A code-only sign-up."""
    body = {"group_id": group, "alias": "Jonas", "pin": "4711"}
    return request("POST", "/signups", headers={"Idempotency-Key": str(uuid.uuid4())}, body=json.dumps(body).encode())


def signup_group(settings: Settings) -> str:
    """The demo's open group."""
    answer = drive(settings.port, lambda _: request("GET", "/groups", headers={}), connections=1, count=1)
    listed = json.loads(answer.sample.partition(b"\r\n\r\n")[2])
    return str(listed["items"][0]["id"])


def show(console: Console, rows: list[Row], memory: dict[str, float]) -> None:
    """Print the table."""
    table = Table(title="Requests: medians of three runs; the bus: one run each")
    for head in ("what", "conn.", "per s", "p50 ms", "p99 ms", "CPU ms per request, by process"):
        table.add_column(head)
    for row in rows:
        cpu = ", ".join(f"{name} {value}" for name, value in row.get("cpu_ms", {}).items())
        cells = (row["what"], row.get("connections", ""), row["per_second"], row["p50_ms"], row["p99_ms"], cpu)
        table.add_row(*map(str, cells))
    console.print(table)
    late = ", ".join(f"{row['events_arrived_after_s']}" for row in rows if "events_arrived_after_s" in row)
    cost = ", ".join(f"{row['what'].partition(': ')[2]} {row['cost_ms']}" for row in rows if "cost_ms" in row)
    if late or cost:
        console.print("After each row the last event had arrived, seconds:", late)
        console.print("Cost of row security, p50 ms:", cost)
    console.print("Memory at rest, MiB:", ", ".join(f"{name} {value}" for name, value in memory.items()))


def machine() -> Row:
    """What the figures were measured on; the loop tells how fast one core was at that moment."""
    began = time.process_time()
    total = 0
    for number in range(10_000_000):
        total += number
    loop = round(time.process_time() - began, 2)
    system = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
    return {**system, "ten_million_additions_s": loop}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
