"""Starts one process: `python -m chassis.launch referrals`.

Order matters: eventlet patches the standard library and psycopg is told to wait green before anything else is
imported, else one slow query stops every other request (architecture.md, trap 1). nameko's own command line needs
packages that are gone, so its ServiceRunner is driven from here (runtime.md section 1).
"""

# ruff: noqa: E402 - see above
from __future__ import annotations

import os

os.environ["PSYCOPG_WAIT_FUNC"] = "wait_selector"

import eventlet

eventlet.monkey_patch()

import importlib
import signal
import socket
import sys
from contextlib import closing
from typing import Any

from eventlet.patcher import is_monkey_patched
from nameko.runners import ServiceRunner

from chassis import waiting
from chassis.sealing import KeyStore
from chassis.settings import SERVICES, Settings, SettingsError
from chassis.tracing import emit, log_fault, set_up_logging

waiting.install()

HARD_LIMIT_SECONDS = 9.5
LOOK_SECONDS = 0.1
NAMES = ("gateway", *SERVICES)


class CannotStart(Exception):
    """The process can not start; the message is one sentence for the person who started it."""


def main(arguments: list[str]) -> int:
    """Run one process until it is told to stop; returns its exit status."""
    try:
        if len(arguments) != 1 or arguments[0] not in NAMES:
            message = f"Name one of: {', '.join(NAMES)}. Example: python -m chassis.launch referrals"
            raise CannotStart(message)
        name, settings = arguments[0], Settings.load()
        set_up_logging(name, settings.log_level)
        check_green()
        check_port(settings.host, settings.port_of(name), name)
        if name in SERVICES:
            check_secrets(settings, name)
        return serve(service_class(name), settings)
    except (CannotStart, SettingsError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def check_green() -> None:
    """Refuse to run when a query would block every green thread. Raises CannotStart."""
    if not waiting.is_green() or not is_monkey_patched("select"):
        message = "psycopg waits in a way that blocks all other requests; start services with chassis.launch only."
        raise CannotStart(message)


def check_port(host: str, port: int, name: str) -> None:
    """Refuse a port that somebody has. Raises CannotStart."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            message = (
                f"{name} can not listen on {host}:{port} ({os.strerror(error.errno or 0)}); is it running already?"
            )
            raise CannotStart(message) from error


def check_secrets(settings: Settings, name: str) -> None:
    """Refuse secrets that are missing, unfit or of another network, before anything is served. Raises SettingsError."""
    for secret in ("audit_key", "request_key", "contact_key"):
        settings.secret(secret)
    settings.amqp_url(name)
    settings.database_url(name)
    with closing(KeyStore(settings, name)) as keys:
        keys.check()


def service_class(name: str) -> type:
    """The nameko class behind a process name."""
    module = "gateway.service" if name == "gateway" else f"services.{name}.service"
    found: type = getattr(importlib.import_module(module), f"{name.capitalize()}Service")
    return found


def configuration(name: str, settings: Settings) -> dict[str, Any]:
    """nameko's configuration; providers and the door find the settings under "settings"."""
    return {
        "WEB_SERVER_ADDRESS": f"{settings.host}:{settings.port_of(name)}",
        "max_workers": settings.workers,
        "settings": settings,
    }


def serve(service: Any, settings: Settings) -> int:
    """Run a service class until SIGTERM or SIGINT; returns the exit status."""
    runner = ServiceRunner(configuration(service.name, settings))
    runner.add_service(service)
    ending = Ending()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ending.told)
    runner.start()
    sys.stdout.write(f"READY {service.name} {settings.port_of(service.name)}\n")
    sys.stdout.flush()
    eventlet.spawn(ending.watch, runner)
    # A signal does not wake eventlet's hub, so somebody has to look.
    while not ending.wanted:
        eventlet.sleep(LOOK_SECONDS)
    if ending.fault is not None:
        log_fault("process.died", ending.fault)
        return 1
    runner.stop()
    emit({"level": "info", "event": "process.stopped"})
    return 0


class Ending:
    """Why and whether the process is to end."""

    def __init__(self) -> None:
        """Nothing asks for an end yet."""
        self.wanted = False
        self.fault: BaseException | None = None

    def told(self, number: int, _frame: object) -> None:
        """Handle a signal; a second one changes nothing, the hard limit runs already."""
        if not self.wanted:
            self.wanted = True
            _start_hard_limit()
            emit({"level": "info", "event": "process.stopping", "signal": signal.Signals(number).name})

    def watch(self, runner: Any) -> None:
        """Notice a container that died by itself: such a process must not live on as an empty shell."""
        try:
            runner.wait()
        except Exception as error:  # noqa: BLE001 - whatever ended the container ends the process
            self.fault = error
            self.wanted = True


def _start_hard_limit() -> None:
    # A real thread: it ends the process even when a green thread never gives the floor back.
    threading = eventlet.patcher.original("threading")
    sleep = eventlet.patcher.original("time").sleep

    def end() -> None:
        sleep(HARD_LIMIT_SECONDS)
        os.write(1, b'{"level":"error","event":"process.forced_end"}\n')
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
