"""The sender process: a plain thread for each service that writes messages, and a small health page; no eventlet.

A process of its own, because it alone needs a way out to a mail server, and because it works with the key of the
audit's rows, which must not lie beside the key of the audit's chains that the relay has (docs/decisions/0028).
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Sequence
from functools import partial

from chassis.messages.figures import Figures
from chassis.messages.recipients import SENDING
from chassis.messages.sender import keep_sending
from chassis.relay.process import serve_health
from chassis.settings import Settings
from chassis.tracing import set_up_logging

log = logging.getLogger(__name__)

HEALTH_OFFSET = 21
LONGEST_PAUSE = 15.0
STOP_SECONDS = 3.0
"""A thread may stand at a silent server for longer; then the process ends without it, and nothing is lost by that."""


def main() -> int:
    """Run until SIGTERM or SIGINT; returns the exit code."""
    settings = Settings.load()
    set_up_logging("sender", settings.log_level)
    for name in ("audit_key", "request_key", "kek"):  # an unfit secret is refused now, not at three at night
        settings.secret(name)
    settings.mail.password()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run(settings, stop)
    return 0


def run(
    settings: Settings,
    stop: threading.Event,
    *,
    services: Sequence[str] = SENDING,
    figures: Figures | None = None,
    health_port: int | None = None,
) -> None:
    """Send the messages of `services` until `stop` is set; `health_port` 0 leaves the page away."""
    figures = figures or Figures(tuple(services))
    port = settings.port + HEALTH_OFFSET if health_port is None else health_port
    server = serve_health(figures, settings.host, port) if port else None
    threads = [
        threading.Thread(target=_go_on, args=(settings, service, figures, stop), daemon=True) for service in services
    ]
    for thread in threads:
        thread.start()
    stop.wait()
    for thread in threads:
        thread.join(STOP_SECONDS)
    if server is not None:
        server.shutdown()
        server.server_close()


def _go_on(settings: Settings, service: str, figures: Figures, stop: threading.Event) -> None:
    """Until stopped, whatever happens: a database that is gone is tried again with growing pauses."""
    pause = 0.0
    while not stop.is_set():
        began = time.monotonic()
        try:
            keep_sending(settings, service, stop, partial(figures.note, service))
        except Exception as error:  # noqa: BLE001 - whatever it is, sending has to go on
            figures.lost(service)
            pause = 0.2 if time.monotonic() - began > LONGEST_PAUSE else min(LONGEST_PAUSE, pause * 2 or 0.2)
            log.warning("sender waits", extra={"target": service, "reason": type(error).__name__})
            stop.wait(pause)
