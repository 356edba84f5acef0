"""The relay process: plain threads for each service database and a small health page; no eventlet."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

import orjson

from chassis.relay.chores import chores
from chassis.relay.figures import Figures
from chassis.relay.lane import Lane
from chassis.settings import SERVICES, Settings
from chassis.tracing import set_up_logging

log = logging.getLogger(__name__)

HEALTH_OFFSET = 20
STOP_SECONDS = 12.0


def main(service_names: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code. All services by default."""
    settings = Settings.load()
    set_up_logging("relay", settings.log_level)
    services = tuple(service_names or SERVICES)
    for needed in (settings.amqp_url, settings.database_url):  # an unfit secret is refused now, not at three at night
        for name in services:
            needed(name)
    for name in ("chain_key", "contact_key", "kek"):
        settings.secret(name)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run(settings, services, stop)
    return 0


def run(
    settings: Settings,
    services: Sequence[str],
    stop: threading.Event,
    *,
    figures: Figures | None = None,
    health_port: int | None = None,
) -> None:
    """Carry the outboxes of `services` and do the chores until `stop` is set; `health_port` 0 leaves the page away."""
    figures = figures or Figures(tuple(services))
    port = settings.port + HEALTH_OFFSET if health_port is None else health_port
    server = serve_health(figures, settings.host, port) if port else None
    lanes = [Lane(settings, name, figures, stop) for name in services]
    work: list[Callable[[], None]] = [lane.run for lane in lanes]
    work += [partial(chore.run, stop) for name in services for chore in chores(settings, name, figures)]
    threads = [threading.Thread(target=each, daemon=True) for each in work]
    for thread in threads:
        thread.start()
    stop.wait()
    for thread in threads:
        thread.join(STOP_SECONDS)
    if server is not None:
        server.shutdown()
        server.server_close()


class Told(Protocol):
    """What a process without eventlet tells of itself: its parts, each with `degraded`, and their figures."""

    def snapshot(self) -> Mapping[str, Mapping[str, Any]]:
        """Each part."""

    def metrics(self) -> str:
        """Prometheus text."""


def serve_health(figures: Told, host: str, port: int) -> ThreadingHTTPServer:
    """The health page and the figures, in a thread of their own."""
    server = _Server((host, port), _Health)
    server.figures = figures
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.2}, name="relay-health", daemon=True
    ).start()
    return server


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    figures: Told


class _Health(BaseHTTPRequestHandler):
    server: _Server
    timeout = 5

    def do_GET(self) -> None:
        lanes = self.server.figures.snapshot()
        pages: dict[str, tuple[str, bytes]] = {
            "/health/live": ("application/json", b'{"status":"live"}'),
            "/health/ready": ("application/json", orjson.dumps(_ready(lanes))),
            "/metrics": ("text/plain; version=0.0.4", self.server.figures.metrics().encode()),
        }
        kind, body = pages.get(self.path, ("application/json", b'{"status":"not found"}'))
        self.send_response(200 if self.path in pages else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Probes are not worth a line."""


def _ready(lanes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    # Ready stays true without a broker: accepted requests go on and the outbox waits (bus.md section 3).
    return {"status": "ready", "degraded": any(lane["degraded"] for lane in lanes.values()), "services": lanes}
