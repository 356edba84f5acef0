"""The programs of one network: private database and broker where none is given, services, gateway, relay, sender."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import urllib3

from chassis.settings import SERVICES, Settings
from deploy.local import ports, postgres, rabbit
from deploy.local.program import Program

PROBE_SECONDS = 2.0
SERVER_FAULT = 500
CARRIERS = frozenset({"relay", "sender", "subscriptions"})
ROOT = Path(__file__).parent.parent.parent
_pool = urllib3.PoolManager(num_pools=16, maxsize=1)


def has_own_postgres(settings: Settings) -> bool:
    """Whether the launcher runs PostgreSQL itself: unless the environment names another."""
    env = settings.environment or {}
    return not (env.get("TUKIVERKKO_POSTGRES_HOST") or env.get("TUKIVERKKO_POSTGRES_PORT"))


def has_own_keystore(settings: Settings) -> bool:
    """Whether the launcher runs the PostgreSQL of keys itself: with its own PostgreSQL, unless another is named."""
    env = settings.environment or {}
    return has_own_postgres(settings) and not (env.get("TUKIVERKKO_KEYS_HOST") or env.get("TUKIVERKKO_KEYS_PORT"))


def has_own_rabbit(settings: Settings) -> bool:
    """Whether the launcher runs RabbitMQ itself: unless the environment names another."""
    env = settings.environment or {}
    return not (env.get("TUKIVERKKO_AMQP_HOST") or env.get("TUKIVERKKO_AMQP_PORT") or env.get("TUKIVERKKO_AMQP_URL"))


def ports_needed(settings: Settings) -> tuple[str, ...]:
    """The names of the ports that must be free before anything starts."""
    ours = {"postgres": has_own_postgres(settings), "keystore": has_own_keystore(settings)}
    broker = ("rabbitmq", "rabbitmq management", "erlang distribution", "epmd")
    ours.update(dict.fromkeys(broker, has_own_rabbit(settings)))
    return tuple(name for name in ports.OFFSETS if ours.get(name, True))


def foundation(settings: Settings) -> list[Program]:
    """Database and broker, slowest first, each with what it needs before it."""
    programs = []
    if has_own_rabbit(settings):
        server = rabbit.prepare(settings)
        programs += [rabbit.epmd_program(settings), rabbit.program(settings, server)]
    if has_own_postgres(settings):
        programs.append(postgres.program(settings, postgres.prepare(settings)))
    if has_own_keystore(settings):
        programs.append(postgres.program(settings, postgres.prepare(settings, postgres.KEYS)))
    return programs


def processes(settings: Settings) -> list[Program]:
    """Our own processes."""
    names = (*SERVICES, "gateway")
    launched = [_python(settings, name, ("-m", "chassis.launch", name), settings.port_of(name)) for name in names]
    relay = _python(settings, "relay", ("-m", "deploy.local.cli", "relay"), settings.port + ports.OFFSETS["relay"])
    sender = _python(settings, "sender", ("-m", "deploy.local.cli", "sender"), settings.port + ports.OFFSETS["sender"])
    return [*launched, relay, sender]


def _python(settings: Settings, name: str, arguments: tuple[str, ...], port: int) -> Program:
    # On one machine requests go first: what carries events on can wait a moment, a person cannot.
    first = ("nice", "-n", "10") if name in CARRIERS else ()
    return Program(
        name=name,
        command=(*first, sys.executable, *arguments),
        log=settings.home / "logs" / f"{name}.log",
        ready=lambda: lives(port),
        env=_environment(settings),
        folder=ROOT,
        stop_seconds=6,
        port=port,
    )


def lives(port: int, page: str = "/health/live") -> bool:
    """Whether a process answers at its health page."""
    url = f"http://127.0.0.1:{port}{page}"
    try:
        answer = _pool.request("GET", url, timeout=PROBE_SECONDS, retries=False, headers={"Connection": "close"})
    except urllib3.exceptions.HTTPError:
        return False
    return answer.status < SERVER_FAULT


def _environment(settings: Settings) -> dict[str, str]:
    given = {name: value for name, value in os.environ.items() if not name.startswith("TUKIVERKKO_")}
    told = (settings.environment or {}).items()
    given.update({name: value for name, value in told if name.startswith("TUKIVERKKO_")})
    here = {"TUKIVERKKO_HOME": str(settings.home), "TUKIVERKKO_PORT": str(settings.port)}
    if has_own_keystore(settings):  # else a process that is told of another PostgreSQL looks for the keys there
        here["TUKIVERKKO_KEYS_PORT"] = str(settings.keys_port)
    return {**given, **here, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT), "TZ": "UTC"}
