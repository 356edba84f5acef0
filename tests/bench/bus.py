"""Figures of the bus: from commit to a service and to a partner's hands, and how fast the relay empties a backlog."""

from __future__ import annotations

import contextlib
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

from chassis.clock import new_id
from chassis.db import Database
from chassis.envelope import event
from chassis.keyed_ids import id_of_key
from chassis.settings import SERVICES, Settings
from services.referrals.events import TYPES as REFERRALS_TYPES
from tests.bench.load import Measured, drive
from tests.support import network
from tests.support.databases import root_url
from tests.support.facts import facts

BACKLOG = 50_000
EVENTS, EVENTS_PER_SECOND = 1_000, 100
REFERRALS, REFERRALS_PER_SECOND = 500, 50
STUCK_SECONDS, LATE_SECONDS = 120, 30
PARTNER = "lt-kavkc"

FILL = """
INSERT INTO outbox (id, routing_key, type, version, aggregate_type, aggregate_id, audience, sequence, data, occurred_at)
SELECT gen_random_uuid(), 'referral.sent', 'referral.sent', 1, 'referral', gen_random_uuid(), '', 1, %s::json, now()
  FROM generate_series(1, %s)
"""


WATCH = """
CREATE FUNCTION bench_taken() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('bench', NEW.event_id::text); RETURN NULL; END $$;
CREATE TRIGGER bench_taken AFTER INSERT ON inbox FOR EACH ROW EXECUTE FUNCTION bench_taken();
"""
UNWATCH = "DROP FUNCTION bench_taken CASCADE"


def latency_rows(settings: Settings) -> list[dict[str, Any]]:
    """Commit → our own service and → a partner, with events alone and with the referrals that cause them."""
    to_service, alone = events_alone(settings)
    with_referrals = to_partner(settings)
    rate = f"{EVENTS_PER_SECOND} events/s"
    return [
        _latency(f"commit → service, {rate}", to_service, 1),
        _latency(f"commit → partner over AMQP, {rate}", alone, 1),
        _latency(f"begin of POST /referrals → partner over AMQP, {rate}", with_referrals, 2),
    ]


def _latency(what: str, measured: Measured, events: int) -> dict[str, Any]:
    return {
        "what": what,
        "per_second": round(events * measured.per_second, 1),
        "p50_ms": round(measured.percentile(0.5), 2),
        "p99_ms": round(measured.percentile(0.99), 2),
    }


def backlog_rows(settings: Settings) -> list[dict[str, Any]]:
    """How fast the relay empties a backlog, and subscriptions its queue, once nothing else is on its way."""
    until_quiet(settings)
    seconds = drain(settings)
    whole = seconds + until_quiet(settings)
    return [
        {
            "what": f"{who}, backlog of {BACKLOG} in {took:.1f} s",
            "per_second": round(BACKLOG / took, 1),
            "p50_ms": "",
            "p99_ms": "",
        }
        for who, took in (("relay", seconds), ("relay and subscriptions", whole))
    ]


def seconds_until_quiet(settings: Settings) -> float | str:
    """How long the last event of a row took, for the table; the next row begins in any case."""
    try:
        return round(until_quiet(settings, LATE_SECONDS), 1)
    except TimeoutError:
        return f"> {LATE_SECONDS}"


def until_quiet(settings: Settings, most: float = STUCK_SECONDS) -> float:
    """Wait until every event that was told has come to subscriptions and gone on to the partners; returns seconds.

    Raises TimeoutError after `most` seconds.
    """
    began = time.monotonic()
    while _told(settings) > _taken(settings) or _unpublished(settings):
        time.sleep(0.1)
        if time.monotonic() - began > most:
            message = f"the events of a run did not arrive in {most} s"
            raise TimeoutError(message)
    return time.monotonic() - began


def events_alone(settings: Settings) -> tuple[Measured, Measured]:
    """Events written one by one in transactions of their own: from each commit to the service's, and to the partner."""
    queue, address = _grant(settings)
    committed: dict[str, float] = {}
    came: dict[str, float] = {}
    arrived = threading.Event()

    def read() -> None:
        came.update(itertools.islice(_arrivals(queue, address), EVENTS))
        arrived.set()

    threading.Thread(target=read, daemon=True).start()
    time.sleep(1.0)
    database, audience = Database(settings, "referrals"), f"org:{id_of_key('organisation', PARTNER)}"
    began = time.monotonic()
    with contextlib.closing(database), _reader_commits(settings) as taken:
        for number in range(EVENTS):
            committed[_tell(database, audience)] = time.time()
            time.sleep(max(0.0, began + (number + 1) / EVENTS_PER_SECOND - time.monotonic()))
        seconds = time.monotonic() - began
        arrived.wait(30)
        late = time.monotonic() + 30
        while not committed.keys() <= taken.keys() and time.monotonic() < late:
            time.sleep(0.05)
    return _measured(taken, committed, seconds), _measured(came, committed, seconds)


def _tell(database: Database, audience: str) -> str:
    kind = REFERRALS_TYPES["sent"]
    with database.background("bench") as work:
        told = event(
            kind, aggregate=("referral", new_id()), audience=audience, data=facts(kind), at=work.now, id=new_id()
        )
        work.tell(told)
    return str(told.id)


def _measured(ends: dict[str, float], begins: dict[str, float], seconds: float) -> Measured:
    if missing := begins.keys() - ends.keys():
        raise SystemExit(f"{len(missing)} of {len(begins)} events did not arrive")
    return Measured(latencies=[ends[each] - begin for each, begin in begins.items()], seconds=seconds)


@contextlib.contextmanager
def _reader_commits(settings: Settings) -> Iterator[dict[str, float]]:
    """When subscriptions was done with each event: work and commit, as told by a notification that leaves with both."""
    found: dict[str, float] = {}
    over = threading.Event()
    listening = psycopg.connect(settings.database_url("subscriptions"), autocommit=True)

    def listen() -> None:
        while not over.is_set():
            for told in listening.notifies(timeout=0.2):
                found[told.payload] = time.time()

    with contextlib.closing(listening), psycopg.connect(root_url(settings, "subscriptions"), autocommit=True) as root:
        listening.execute("LISTEN bench")
        root.execute(WATCH)
        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield found
        finally:
            over.set()
            thread.join()
            root.execute(UNWATCH)


def to_partner(settings: Settings) -> Measured:
    """Latency from an event's own time (read at the start of its transaction) to a partner's AMQP queue."""
    from tests.bench.__main__ import referral  # noqa: PLC0415 -- the main module imports this one

    queue, address = _grant(settings)
    measured = Measured()
    arrived = threading.Event()

    def read() -> None:
        for _, latency in itertools.islice(_arrivals(queue, address, since_event=True), REFERRALS):
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
    if len(measured.latencies) < REFERRALS:
        raise SystemExit(f"{len(measured.latencies)} of {REFERRALS} referrals came to the partner")
    return measured


def drain(settings: Settings) -> float:
    """Seconds in which the relay publishes a backlog of inside-only events, to the last confirm and mark."""
    with psycopg.connect(settings.database_url("referrals"), autocommit=True) as connection:
        connection.execute("SET enable_seqscan = off")  # so that to look whether it is over is no load of its own
        connection.execute(FILL, (orjson.dumps(facts(REFERRALS_TYPES["sent"])).decode(), BACKLOG))
        began = time.monotonic()
        connection.execute("NOTIFY outbox")
        while connection.execute("SELECT 1 FROM outbox WHERE published_at IS NULL LIMIT 1").fetchone():
            time.sleep(0.05)
            if time.monotonic() - began > STUCK_SECONDS:
                message = f"the relay did not drain its backlog in {STUCK_SECONDS} s"
                raise SystemExit(message)
        return time.monotonic() - began


def _arrivals(queue: str, address: str, *, since_event: bool = False) -> Iterator[tuple[str, float]]:
    """Id and moment of each arrival, or the seconds since the event's own time."""
    with pika.BlockingConnection(pika.URLParameters(address)) as connection:
        for method, _, body in connection.channel().consume(queue, auto_ack=True, inactivity_timeout=20):
            if method is None:
                return
            told = orjson.loads(body)
            if told["type"].endswith("referral.sent.v1"):
                begin = dt.datetime.fromisoformat(told["time"]).timestamp() if since_event else 0.0
                yield told["id"], time.time() - begin


def _grant(settings: Settings) -> tuple[str, str]:
    name = f"bench-{uuid.uuid4().hex[:6]}"
    printed = network.tukiverkko(settings, "grant", "create", "--org", PARTNER, "--name", name)
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
