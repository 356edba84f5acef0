"""The relay as its own process: health page, metrics, one service only, a quick end at SIGTERM."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError

import orjson

from chassis.db import Database
from chassis.settings import Settings
from tests.integration.bus_rig import tell, until
from tests.support.ports import free_base

ROOT = Path(__file__).parent.parent.parent
START = "import sys; from chassis import relay; sys.exit(relay.main(['directory']))"


def test_the_process_tells_how_it_is_and_ends_in_time(
    vhost: Settings, service_database: Callable[..., Settings]
) -> None:
    settings = service_database("directory", into=vhost)
    port = free_base()
    environment = {
        **os.environ,
        **(settings.environment or {}),
        "TUKIVERKKO_HOME": str(settings.home),
        "TUKIVERKKO_PORT": str(port),
        "TUKIVERKKO_AMQP_PORT": str(settings.amqp_port),
        "TUKIVERKKO_POSTGRES_PORT": str(settings.postgres_port),
        "TUKIVERKKO_VHOST": settings.vhost,
        "PYTHONPATH": str(ROOT),
    }
    process = subprocess.Popen([sys.executable, "-c", START], env=environment)
    database = Database(settings, "directory")

    def page(path: str) -> bytes:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port + 20}{path}", timeout=3) as answer:
                return bytes(answer.read())
        except URLError:
            return b""

    try:
        tell(database, uuid.uuid4(), 7)
        until(lambda: b'tukiverkko_outbox_published_total{service="directory"} 7.0' in page("/metrics"), 20)
        ready = orjson.loads(page("/health/ready"))
        assert (ready["status"], ready["degraded"], list(ready["services"])) == ("ready", False, ["directory"])
        assert orjson.loads(page("/health/live")) == {"status": "live"}
        assert page("/elsewhere") == b""
    finally:
        database.close()
        process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        code = process.wait(15)
    assert code == 0
    assert time.monotonic() - started < 4
