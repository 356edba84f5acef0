"""Puts a campaign together: breaks things while clients work, waits until the system has finished by itself, checks."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pika
import psycopg
import urllib3
from pika.exceptions import AMQPError

from chassis.settings import SERVICES, Settings
from tests.support import checker
from tests.support.checker import Evidence
from tests.support.databases import root_url

QUIET_SECONDS = 60.0
ROUND_SECONDS = 0.5


class Partner:
    """A partner's reader in a thread: it reconnects, and acknowledges after it has kept an event."""

    def __init__(self, address: str, queue: str) -> None:
        self.delivered: list[dict[str, Any]] = []
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
                self.delivered.append(json.loads(body))
                channel.basic_ack(method.delivery_tag)


def evidence_of(settings: Settings, history: Path, partner: Partner | None = None) -> Evidence:
    """What there is now."""
    databases = {service: root_url(settings, service) for service in SERVICES}
    queues = checker.messages(settings.management_url, settings.vhost, settings.secret("amqp_admin"))
    found = checker.collect(databases, history, queues=queues)
    found.delivered = list(partner.delivered) if partner else []
    return found


def settled(settings: Settings, history: Path, partner: Partner | None = None) -> tuple[Evidence, list[str]]:
    """Wait until nothing is on its way any more; returns the evidence and what is still wrong at the end."""
    deadline = time.monotonic() + QUIET_SECONDS
    while True:
        with _patience():
            evidence = evidence_of(settings, history, partner)
            wrong = checker.faults(evidence)
            if not wrong or time.monotonic() > deadline:
                return evidence, wrong
        if time.monotonic() > deadline + QUIET_SECONDS:
            message = "the databases or the broker never came back"
            raise AssertionError(message)
        time.sleep(ROUND_SECONDS)


@contextlib.contextmanager
def _patience() -> Iterator[None]:
    with contextlib.suppress(psycopg.OperationalError, urllib3.exceptions.HTTPError, json.JSONDecodeError):
        yield
