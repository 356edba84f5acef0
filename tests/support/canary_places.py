"""Everywhere a canary is looked for: each place gives (name, bytes) of all that it holds at this moment."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pika
import psycopg
import urllib3

from chassis.settings import SERVICES, Settings
from deploy.local import postgres
from deploy.local.folders import database_account, postgres_folder
from deploy.local.ports import OFFSETS
from deploy.local.postgres import find_binaries, superuser_url
from tests.support.canary import Place
from tests.support.client import Answer, Client
from tests.support.network import Network
from tests.support.proof import Broker

LULL_SECONDS = 3.0
TAP = "canary.tap"
STORES = (postgres.CASES, postgres.KEYS)


def everywhere(network: Network, answers: Iterable[Answer], readers: Iterable[Client]) -> Iterator[Place]:
    """All places of a running network."""
    settings = network.settings
    yield from of_queues(settings)
    yield from of_databases(settings)
    yield from of_running_statements(settings)
    yield from of_files(settings.home)
    for store in STORES:
        yield from of_files(postgres_folder(settings.home, database_account(), store))
    yield from of_pages(metrics_of(settings))
    yield from of_processes([network.supervisor.pid, *(line.pid for line in network.state().processes.values())])
    yield from of_feeds(readers)
    yield from of_heads(answers)


@contextlib.contextmanager
def tapping(settings: Settings) -> Iterator[None]:
    """Have a copy of every message that goes through any exchange; `of_queues` reads it."""
    broker = Broker(settings)
    broker.ask("PUT", f"queues/{settings.vhost}/{TAP}", {"durable": True, "arguments": {}})
    try:
        for exchange in broker.ask("GET", f"exchanges/{settings.vhost}"):
            if exchange["name"] and not exchange["name"].startswith("amq."):
                path = f"bindings/{settings.vhost}/e/{exchange['name']}/q/{TAP}"
                broker.ask("POST", path, {"routing_key": "#", "arguments": {}})
        yield
    finally:
        broker.ask("DELETE", f"queues/{settings.vhost}/{TAP}")


def of_queues(settings: Settings) -> Iterator[Place]:
    """Every message in every queue, partners', parked and delayed ones too, with its properties; they stay there.

    Read as a consumer that acknowledges nothing: asking the management interface for all of a partner's queue takes
    longer than it waits for an answer.
    """
    broker = Broker(settings)
    names = [queue["name"] for queue in broker.ask("GET", f"queues/{settings.vhost}?columns=name")]
    with contextlib.closing(pika.BlockingConnection(pika.URLParameters(broker.address))) as connection:
        for name in names:
            yield from ((f"queue {name}", message) for message in _messages(connection, name))


def _messages(connection: Any, queue: str) -> Iterator[bytes]:
    channel = connection.channel()
    most = channel.queue_declare(queue, passive=True).method.message_count
    if most:
        for method, properties, body in channel.consume(queue, inactivity_timeout=LULL_SECONDS):
            if method is None:
                break
            yield body + json.dumps({**vars(method), **vars(properties)}, default=str).encode()
            most -= 1
            if not most:
                break
    channel.close()  # everything goes back into its place


def of_databases(settings: Settings) -> Iterator[Place]:
    """A dump of each database: outbox, inbox, journal, requests, audit and all the rest."""
    binaries = find_binaries()
    assert binaries is not None
    for store, name in _databases(settings):
        dumped = subprocess.run(
            (str(binaries / "pg_dump"), "-h", "127.0.0.1", "-p", str(postgres.port_of(settings, store))),
            env={"PGUSER": postgres.SUPERUSER, "PGPASSWORD": settings.secret("db_postgres"), "PGDATABASE": name},
            capture_output=True,
            check=True,
            timeout=120,
        )
        yield f"database {name}", dumped.stdout


def of_running_statements(settings: Settings) -> Iterator[Place]:
    """The last statement of every session: a value that was written into one would show."""
    query = "SELECT coalesce(query, '') FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    for store in STORES:
        with psycopg.connect(superuser_url(settings, store=store), autocommit=True) as connection:
            for (statement,) in connection.execute(query).fetchall():
                yield "statement of a session", statement.encode()


def _databases(settings: Settings) -> Iterator[tuple[str, str]]:
    for store in STORES:
        with psycopg.connect(superuser_url(settings, store=store), autocommit=True) as connection:
            for (name,) in connection.execute("SELECT datname FROM pg_database WHERE NOT datistemplate").fetchall():
                yield store, name


def of_files(folder: Path) -> Iterator[Place]:
    """Every file below a folder: logs of all processes, state, the broker's store, tables and write-ahead log."""
    for path in sorted(folder.rglob("*")):
        try:
            if path.is_file() and not path.is_symlink():
                yield f"file {path.relative_to(folder)}", path.read_bytes()
        except FileNotFoundError:
            continue  # it was replaced meanwhile


def metrics_of(settings: Settings) -> list[str]:
    """The addresses of all pages of figures."""
    ports = [settings.port_of(name) for name in ("gateway", *SERVICES)]
    ports += [settings.port + OFFSETS[name] for name in ("relay", "sender")]
    return [f"http://{settings.host}:{port}{page}" for port in ports for page in ("/metrics", "/health/ready")]


def of_pages(urls: Iterable[str]) -> Iterator[Place]:
    """What a page shows to everybody."""
    for url in urls:
        yield f"page {url}", urllib3.request("GET", url, retries=False, timeout=10).data


def of_processes(pids: Iterable[int]) -> Iterator[Place]:
    """Command line and environment of these processes and all their descendants, as the machine shows them."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        text = _read(stat)
        if text:
            parents[int(stat.parent.name)] = int(text.rpartition(b")")[2].split()[1])
    family = set(pids)
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    for pid in sorted(family):
        for part in ("cmdline", "environ"):
            yield f"{part} of process {pid}", _read(Path(f"/proc/{pid}/{part}"))


def of_feeds(readers: Iterable[Client]) -> Iterator[Place]:
    """The events that institutions read."""
    for reader in readers:
        for stream in ("network", "org"):
            for event in reader.events(stream):
                yield f"feed {stream}", json.dumps(event).encode()


def of_heads(answers: Iterable[Answer]) -> Iterator[Place]:
    """The headers of answers: addresses in Location and Link end in histories and logs of others."""
    for answer in answers:
        yield f"header of an answer {answer.status}", _lines(answer.headers)


def _lines(headers: Any) -> bytes:
    return "\n".join(f"{name}: {value}" for name, value in headers.items()).encode()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # it ended meanwhile
