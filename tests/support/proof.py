"""Puts a campaign together: breaks things while clients work, waits until the system has finished by itself, checks."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pika
import psycopg
import urllib3
from pika.exceptions import AMQPError

from chassis.requests import hashed
from chassis.settings import SERVICES, Settings
from tests.support import checker
from tests.support.checker import Evidence
from tests.support.databases import root_url

QUIET_SECONDS = 60.0
ROUND_SECONDS = 0.5


class Partner:
    """A partner's reader in a thread: it reconnects, and acknowledges after it has kept an event."""

    def __init__(self, address: str, queue: str, entitled: dict[str, int]) -> None:
        self.entitled = entitled  # its streams, and where each begins for it
        self.arrived: list[tuple[float, bytes]] = []  # when, and what
        self.different: set[int] = set()
        self._address, self._queue = address, queue
        logging.getLogger("pika").setLevel(logging.CRITICAL)  # it tells of every refused connection at length
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_fault: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with contextlib.closing(pika.BlockingConnection(pika.URLParameters(self._address))) as connection:
                    self._read(connection.channel())
            except (AMQPError, OSError):
                self._stop.wait(0.3)

    def _read(self, channel: Any) -> None:
        channel.basic_qos(prefetch_count=50)
        for method, _properties, body in channel.consume(self._queue, inactivity_timeout=0.2):
            if self._stop.is_set():
                return
            if method is not None:
                self.arrived.append((time.monotonic(), body))
                self.different.add(hash(body))
                channel.basic_ack(method.delivery_tag)


class Broker:
    """What the checker asks of the broker, as its administrator."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        password = settings.secret("amqp_admin")
        self.address = f"amqp://admin:{password}@{settings.amqp_host}:{settings.amqp_port}/{settings.vhost}"
        self._login = urllib3.make_headers(basic_auth=f"admin:{password}")

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """One request to the management interface."""
        url = f"{self._settings.management_url}/api/{path}"
        answer = urllib3.request(method, url, json=body, headers=self._login, retries=False, timeout=20)
        return json.loads(answer.data) if answer.data else None

    def queues(self) -> list[str]:
        """The queues inside; partners' are theirs, and a test's own begin with its name."""
        found = self.ask("GET", f"queues/{self._settings.vhost}?columns=name")
        return [each["name"] for each in found if each["name"].split(".")[0] in SERVICES]

    def parked(self) -> list[tuple[str, str]]:
        """Service and message id of all that is parked, left where it is."""
        found = []
        for name in (name for name in self.queues() if name.endswith(".parked")):
            wanted = {"count": 100_000, "ackmode": "ack_requeue_true", "encoding": "base64", "truncate": 64}
            got = self.ask("POST", f"queues/{self._settings.vhost}/{name}/get", wanted)
            found += [(name.split(".")[0], str(each["properties"].get("message_id"))) for each in got]
        return found


def left(settings: Settings) -> dict[str, int]:
    """What has not come to its end yet, by name; all zero when the network is quiet."""
    broker = Broker(settings)
    names = [name for name in broker.queues() if not name.endswith(".parked")]
    return {**checker.on_its_way(_databases(settings)), **checker.messages(broker.address, names)}


@dataclass(frozen=True)
class Before:
    """What other tests had left in a network that is not fresh: referrals, made in whatever way, and parked events."""

    referrals: frozenset[str] = frozenset()
    parked: tuple[tuple[str, str], ...] = ()


def before(settings: Settings) -> Before:
    """What there is before a campaign begins."""
    with psycopg.connect(root_url(settings, "referrals")) as connection:
        rows = connection.execute("SELECT id::text FROM leg").fetchall()
    return Before(frozenset(row[0] for row in rows), tuple(Broker(settings).parked()))


def evidence_of(
    settings: Settings, history: Path, partner: Partner | None = None, injected: Iterable[tuple[str, str]] = ()
) -> Evidence:
    """What there is now."""
    found = checker.collect(_databases(settings), history)
    secret = bytes.fromhex(settings.secret("request_key"))
    names = {hashed(line["key"], secret): line["key"] for line in found.history if "key" in line}
    found.requests = [(names.get(key, key), referral) for key, referral in found.requests]
    found.leftovers = left(settings)
    found.injected, found.parked = set(injected), Broker(settings).parked()
    if partner:
        found.arrived = [body for _, body in partner.arrived]
        found.delivered = [json.loads(body) for body in found.arrived]
        found.entitled = partner.entitled
    return found


def settled(
    settings: Settings,
    history: Path,
    partner: Partner | None = None,
    *,
    injected: Iterable[tuple[str, str]] = (),
    known: Before = Before(),
    seconds: float = QUIET_SECONDS,
) -> tuple[Evidence, list[str]]:
    """Wait until nothing is on its way any more; returns the evidence and what is still wrong at the end."""
    deadline = time.monotonic() + seconds
    while True:
        with _patience():
            if time.monotonic() > deadline or not any(left(settings).values()):
                evidence = evidence_of(settings, history, partner, (*injected, *known.parked))
                evidence.onward |= known.referrals
                wrong = checker.faults(evidence)
                if not wrong or time.monotonic() > deadline:
                    return evidence, wrong
        if time.monotonic() > deadline + QUIET_SECONDS:
            message = "the databases or the broker never came back"
            raise AssertionError(message)
        time.sleep(ROUND_SECONDS)


def _databases(settings: Settings) -> dict[str, str]:
    return {service: root_url(settings, service) for service in SERVICES}


@contextlib.contextmanager
def _patience() -> Iterator[None]:
    gone = (psycopg.OperationalError, urllib3.exceptions.HTTPError, json.JSONDecodeError, AMQPError, OSError)
    with contextlib.suppress(*gone):
        yield
