"""Figures of the bus: from commit to a partner's hands, and how fast the relay empties a backlog."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import orjson
import pika
import psycopg
from rich.console import Console

from chassis.settings import Settings
from tests.bench.load import Measured, drive
from tests.support import network

BACKLOG = 20_000
EVENTS, EVENTS_PER_SECOND = 500, 100

FILL = """
INSERT INTO outbox (id, routing_key, type, version, aggregate_type, aggregate_id, audience, sequence, data, occurred_at)
SELECT gen_random_uuid(), 'referral.sent', 'referral.sent', 1, 'referral', gen_random_uuid(), '', 1, '{}', now()
  FROM generate_series(1, %s)
"""


def rows(settings: Settings, console: Console) -> list[dict[str, Any]]:
    """The rows of the table."""
    console.print("Commit → partner's queue …")
    latency = to_partner(settings)
    console.print(f"Relay, backlog of {BACKLOG} …")
    rate, seconds = drain(settings)
    return [
        {
            "what": f"commit → partner over AMQP, {EVENTS_PER_SECOND} events/s",
            "per_second": round(latency.per_second, 1),
            "p50_ms": round(latency.percentile(0.5), 2),
            "p99_ms": round(latency.percentile(0.99), 2),
        },
        {
            "what": f"relay, backlog of {BACKLOG} drained in {seconds:.1f} s",
            "per_second": round(rate, 1),
            "p50_ms": "",
            "p99_ms": "",
        },
    ]


def to_partner(settings: Settings) -> Measured:
    """Latency from an event's own time (read at the start of its transaction) to a partner's AMQP queue."""
    from tests.bench.__main__ import referral  # noqa: PLC0415 -- the main module imports this one

    queue, address = _grant(settings)
    measured = Measured()
    arrived = threading.Event()

    def read() -> None:
        for latency in itertools.islice(_latencies(queue, address), EVENTS):
            measured.latencies.append(latency)
        arrived.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    time.sleep(1.0)
    token = network.tukiverkko(settings, "token", "--org", "lt-police").stdout.strip()
    began = time.monotonic()
    for number in range(EVENTS):
        drive(settings.port, lambda _: referral(token), connections=1, count=1)
        time.sleep(max(0.0, began + (number + 1) / EVENTS_PER_SECOND - time.monotonic()))
    arrived.wait(30)
    measured.seconds = time.monotonic() - began
    return measured


def drain(settings: Settings) -> tuple[float, float]:
    """Events per second that the relay publishes, from a backlog of inside-only events; and how long it took."""
    with psycopg.connect(settings.database_url("referrals"), autocommit=True) as connection:
        connection.execute(FILL, (BACKLOG,))
        began = time.monotonic()
        connection.execute("NOTIFY outbox")
        while connection.execute("SELECT 1 FROM outbox WHERE published_at IS NULL LIMIT 1").fetchone():
            time.sleep(0.05)
            if time.monotonic() - began > 120:
                message = "the relay did not drain its backlog in two minutes"
                raise SystemExit(message)
        seconds = time.monotonic() - began
    return BACKLOG / seconds, seconds


def _latencies(queue: str, address: str) -> Iterator[float]:
    with pika.BlockingConnection(pika.URLParameters(address)) as connection:
        for method, _, body in connection.channel().consume(queue, auto_ack=True, inactivity_timeout=20):
            if method is None:
                return
            event = orjson.loads(body)
            if event["type"].endswith("referral.sent.v1"):
                yield time.time() - dt.datetime.fromisoformat(event["time"]).timestamp()


def _grant(settings: Settings) -> tuple[str, str]:
    name = f"bench-{uuid.uuid4().hex[:6]}"
    printed = network.tukiverkko(settings, "grant", "create", "--org", "lt-kavkc", "--name", name)
    words = printed.stdout.split()
    address = next(word for word in words if word.startswith("amqp://"))
    queue = next(word for word in words if word.startswith("partner."))
    return queue, address
