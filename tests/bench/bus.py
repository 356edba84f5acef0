"""Figures of the bus: from commit to a partner's hands, and how fast the relay empties a backlog."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any, LiteralString

import orjson
import pika
import psycopg

from chassis.settings import SERVICES, Settings
from tests.bench.load import Measured, drive
from tests.support import network

BACKLOG = 20_000
REFERRALS, REFERRALS_PER_SECOND = 500, 50
STUCK_SECONDS = 300

FILL = """
INSERT INTO outbox (id, routing_key, type, version, aggregate_type, aggregate_id, audience, sequence, data, occurred_at)
SELECT gen_random_uuid(), 'referral.sent', 'referral.sent', 1, 'referral', gen_random_uuid(), '', 1, '{}', now()
  FROM generate_series(1, %s)
"""


def latency_row(settings: Settings) -> dict[str, Any]:
    """Commit → a partner's hands; each referral causes two events."""
    latency = to_partner(settings)
    return {
        "what": f"commit → partner over AMQP, {2 * REFERRALS_PER_SECOND} events/s",
        "per_second": round(2 * latency.per_second, 1),
        "p50_ms": round(latency.percentile(0.5), 2),
        "p99_ms": round(latency.percentile(0.99), 2),
    }


def relay_row(settings: Settings) -> dict[str, Any]:
    """How fast the relay empties a backlog."""
    rate, seconds = drain(settings)
    what = f"relay, backlog of {BACKLOG} drained in {seconds:.1f} s"
    return {"what": what, "per_second": round(rate, 1), "p50_ms": "", "p99_ms": ""}


def until_quiet(settings: Settings) -> float:
    """Wait until every event that was told has come to subscriptions and gone on to the partners; returns seconds."""
    began = time.monotonic()
    while _told(settings) > _taken(settings) or _unpublished(settings):
        time.sleep(0.1)
        if time.monotonic() - began > STUCK_SECONDS:
            raise SystemExit("the events of a run did not arrive in five minutes")
    return time.monotonic() - began


def to_partner(settings: Settings) -> Measured:
    """Latency from an event's own time (read at the start of its transaction) to a partner's AMQP queue."""
    from tests.bench.__main__ import referral  # noqa: PLC0415 -- the main module imports this one

    queue, address = _grant(settings)
    measured = Measured()
    arrived = threading.Event()

    def read() -> None:
        for latency in itertools.islice(_latencies(queue, address), REFERRALS):
            measured.latencies.append(latency)
        arrived.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    time.sleep(1.0)
    token = network.tukiverkko(settings, "token", "--org", "lt-police").stdout.strip()
    began = time.monotonic()
    for number in range(REFERRALS):
        drive(settings.port, lambda _: referral(token), connections=1, count=1)
        time.sleep(max(0.0, began + (number + 1) / REFERRALS_PER_SECOND - time.monotonic()))
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


def _told(settings: Settings) -> int:
    query = "SELECT count(*) FROM outbox WHERE exchange = 'events'"
    return sum(_count(settings, service, query) for service in SERVICES)


def _taken(settings: Settings) -> int:
    return _count(settings, "subscriptions", "SELECT count(*) FROM inbox")


def _unpublished(settings: Settings) -> int:
    return _count(settings, "subscriptions", "SELECT count(*) FROM outbox WHERE published_at IS NULL")


def _count(settings: Settings, service: str, query: LiteralString) -> int:
    with psycopg.connect(settings.database_url(service), autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0
