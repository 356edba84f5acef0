"""TLS to PostgreSQL and RabbitMQ: the right authority and name connect, all else is refused, on every way there is."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
import urllib3

from chassis.consumer import Consumer
from chassis.db import Database
from chassis.errors import Unavailable
from chassis.link import Link, LinkLost
from chassis.management import Management
from chassis.migrate import migrate
from chassis.relay import store
from chassis.sealing import KeyStore
from chassis.settings import Settings
from deploy.local import broker, postgres, provision
from deploy.local.faults import LocalFault
from deploy.local.folders import prepare_home
from deploy.local.program import end, last_lines, spawn, wait_ready
from tests.integration.bus_rig import consuming, until
from tests.integration.subscriptions_rig import Sample
from tests.integration.test_consumer import Handler, message, rows, send
from tests.support.certificates import Authority, authority
from tests.support.instances import new_folder
from tests.support.own_broker import OwnBroker
from tests.support.ports import free_base

START_SECONDS = 60.0
TLS_PORT, MANAGEMENT_PORT = 16, 17
NO_WAIT_SECONDS = 15


@dataclass(frozen=True)
class Place:
    """Where certificates lie: `use` puts another one before the server and tells it."""

    folder: Path
    good: Authority
    wrong: Authority
    tell: Callable[[], None]

    def use(self, *, days: int = 2) -> None:
        self.good.sign(self.folder, "localhost", days=days)
        self.tell()


def authorities(folder: Path) -> tuple[Authority, Authority]:
    return authority(folder / "good.pem"), authority(folder / "wrong.pem")


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[tuple[Settings, Place]]:
    """A PostgreSQL with ssl=on and a certificate for localhost, and settings that ask for TLS."""
    home, base = new_folder(), free_base()
    told = {"TUKIVERKKO_HOME": str(home), "TUKIVERKKO_PORT": str(base), "TUKIVERKKO_KEYS_PORT": str(base + 10)}
    settings = Settings.load(told)
    prepare_home(home)
    provision.make_secrets(settings)
    files = postgres.prepare(settings)
    good, wrong = authorities(home)
    place = Place(files.folder, good, wrong, lambda: _reload(settings, files))
    good.sign(files.folder, "localhost")
    _owned(files)
    pem, key = files.folder / "server.pem", files.folder / "server.key"
    program = postgres.program(
        settings, files, more={"ssl": "on", "ssl_cert_file": str(pem), "ssl_key_file": str(key), "fsync": "off"}
    )
    process = spawn(program)
    try:
        assert wait_ready(program, process, START_SECONDS), last_lines(program.log)
        provision.make_databases(settings)
        migrate(settings, ("directory",))
        yield replace(settings, postgres_host="localhost", keys_host="localhost", postgres_ca=str(good.file)), place
    finally:
        end(program, process)
        shutil.rmtree(home, ignore_errors=True)


def _owned(files: postgres.PostgresFiles) -> None:
    owner = files.folder.stat()
    for name in ("server.pem", "server.key"):
        (files.folder / name).chmod(0o600)
        os.chown(files.folder / name, owner.st_uid, owner.st_gid)


def _reload(settings: Settings, files: postgres.PostgresFiles) -> None:
    _owned(files)
    with psycopg.connect(postgres.superuser_url(settings), autocommit=True) as connection:
        connection.execute("SELECT pg_reload_conf()")
    time.sleep(1.0)


class TlsBroker(OwnBroker):
    """The same broker with listeners for TLS beside the plain ones."""

    def up(self) -> None:
        folder = self.settings.home / "rabbitmq"
        lines = f"""listeners.ssl.local = 127.0.0.1:{self.settings.port + TLS_PORT}
ssl_options.certfile = {folder}/server.pem
ssl_options.keyfile = {folder}/server.key
management.ssl.ip = 127.0.0.1
management.ssl.port = {self.settings.port + MANAGEMENT_PORT}
management.ssl.certfile = {folder}/server.pem
management.ssl.keyfile = {folder}/server.key
"""
        with (folder / "rabbitmq.conf").open("a", encoding="ascii") as file:
            file.write(lines)
        super().up()


@pytest.fixture(scope="module")
def own_rabbit(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[TlsBroker, Settings, Place]]:
    """A RabbitMQ with TLS listeners, and settings that ask for TLS to it."""
    with contextlib.ExitStack() as stack:
        home = tmp_path_factory.mktemp("tls")
        made = TlsBroker(settings, home)
        (home / "rabbitmq").mkdir(mode=0o700)
        good, wrong = authorities(home)
        good.sign(home / "rabbitmq", "localhost")
        made.start(stack)
        place = Place(home / "rabbitmq", good, wrong, lambda: made.control("eval", "ssl:clear_pem_cache()."))
        base = made.settings.port
        tls = replace(
            made.settings,
            amqp_host="localhost",
            amqp_port=base + TLS_PORT,
            amqp_ca=str(good.file),
            management_url=f"https://localhost:{base + MANAGEMENT_PORT}",
        )
        yield made, tls, place


def by_psycopg(settings: Settings) -> None:
    """Migration, which is psycopg without a pool."""
    migrate(settings, ("directory",), dry_run=True)


def by_pool(settings: Settings) -> None:
    """The pool of a service."""
    with contextlib.closing(Database(settings, "directory")) as database, database.view():
        pass


def by_relay(settings: Settings) -> None:
    """The relay's connection."""
    with store.connect(settings.database_url("directory")) as connection:
        row = connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()
        assert row == {"ssl": True}


def by_keys(settings: Settings) -> None:
    """The connection to the key database."""
    with contextlib.closing(KeyStore(settings, "directory")) as keys:
        keys.take()


DATABASE_WAYS = [by_psycopg, by_pool, by_relay, by_keys]
REFUSED = (psycopg.OperationalError, Unavailable)


@pytest.mark.parametrize("way", DATABASE_WAYS)
def test_the_right_authority_and_name_reach_the_database(
    own_postgres: tuple[Settings, Place], way: Callable[[Settings], None]
) -> None:
    way(own_postgres[0])


@pytest.mark.parametrize("way", DATABASE_WAYS)
@pytest.mark.parametrize("case", ["wrong authority", "wrong name", "plain server"])
def test_the_database_is_refused(
    own_postgres: tuple[Settings, Place], settings: Settings, way: Callable[[Settings], None], case: str
) -> None:
    asked, place = own_postgres
    changes = {
        "wrong authority": {"postgres_ca": str(place.wrong.file)},
        "wrong name": {"postgres_host": "127.0.0.1", "keys_host": "127.0.0.1"},
        "plain server": {"postgres_port": settings.postgres_port, "keys_port": settings.postgres_port},
    }
    with pytest.raises(REFUSED):
        way(replace(asked, **changes[case]))  # type: ignore[arg-type]


@pytest.mark.parametrize("way", DATABASE_WAYS)
def test_an_expired_certificate_of_the_database_is_refused(
    own_postgres: tuple[Settings, Place], way: Callable[[Settings], None]
) -> None:
    asked, place = own_postgres
    place.use(days=-1)
    try:
        with pytest.raises(REFUSED):
            way(asked)
    finally:
        place.use()
    way(asked)


def by_link(settings: Settings) -> None:
    """What the relay publishes by."""
    link = Link(settings.amqp_url("directory"), name="tls test")
    try:
        link.open()
    finally:
        link.close()


def by_consumer(settings: Settings) -> None:
    """A service's reader of events; raises when it has not connected after its second try."""
    with contextlib.closing(Database(settings, "groups")) as database:
        reader = Consumer(settings, database, service="groups", nouns={"group"}, dispatch=lambda _work, _event: None)
        thread = threading.Thread(target=reader.run, daemon=True)
        thread.start()
        try:
            deadline = time.monotonic() + (NO_WAIT_SECONDS if settings.amqp_ca else 0)
            while not reader.connected and reader._pause < 1.0 and time.monotonic() < deadline:
                time.sleep(0.05)
            if not reader.connected:
                raise LinkLost("not connected")
        finally:
            reader.stop(5)
            thread.join(5)


def by_management(settings: Settings) -> None:
    """The interface by which grants are made."""
    assert Management(settings).get("whoami")


def by_launcher(settings: Settings) -> None:
    """The launcher's own use of that interface."""
    broker._pool.cache_clear()  # it keeps connections that were checked when they were made
    assert broker.manage(settings, "GET", "whoami", None)


BROKER_WAYS = [by_link, by_consumer, by_management, by_launcher]
BROKER_REFUSED = (LinkLost, Unavailable, LocalFault, urllib3.exceptions.HTTPError)


@pytest.fixture
def at_broker(
    own_rabbit: tuple[TlsBroker, Settings, Place], service_database: Callable[..., Settings]
) -> tuple[Settings, Place]:
    """Settings of the broker with TLS, and a database for the service that reads."""
    _, tls, place = own_rabbit
    return service_database("groups", into=replace(tls, environment=None)), place


@pytest.mark.parametrize("way", BROKER_WAYS)
def test_the_right_authority_and_name_reach_the_broker(
    at_broker: tuple[Settings, Place], way: Callable[[Settings], None]
) -> None:
    way(at_broker[0])


@pytest.mark.parametrize("way", BROKER_WAYS)
@pytest.mark.parametrize("case", ["wrong authority", "wrong name", "plain server"])
def test_the_broker_is_refused(
    own_rabbit: tuple[TlsBroker, Settings, Place],
    at_broker: tuple[Settings, Place],
    way: Callable[[Settings], None],
    case: str,
) -> None:
    asked, place = at_broker
    made, base = own_rabbit[0], asked.port
    changes = {
        "wrong authority": {"amqp_ca": str(place.wrong.file)},
        "wrong name": {
            "amqp_host": "127.0.0.1",
            "management_url": f"https://127.0.0.1:{base + MANAGEMENT_PORT}",
        },
        "plain server": {
            "amqp_port": made.settings.amqp_port,
            "management_url": made.settings.management_url.replace("http:", "https:"),
        },
    }
    with pytest.raises(BROKER_REFUSED):
        way(replace(asked, **changes[case]))  # type: ignore[arg-type]


@pytest.mark.parametrize("way", BROKER_WAYS)
def test_an_expired_certificate_of_the_broker_is_refused(
    at_broker: tuple[Settings, Place], way: Callable[[Settings], None]
) -> None:
    asked, place = at_broker
    place.use(days=-1)
    try:
        with pytest.raises(BROKER_REFUSED):
            way(asked)
    finally:
        place.use()
    way(asked)


def test_what_piled_up_is_applied_together_over_tls_too(
    own_rabbit: tuple[TlsBroker, Settings, Place], at_broker: tuple[Settings, Place]
) -> None:
    """TLS takes whole records out of the socket, so what waits is not only there."""
    asked, _ = at_broker
    handler, subjects = Handler(), [uuid.uuid4() for _ in range(200)]
    send(own_rabbit[0].settings, *(message(subject, 1) for subject in subjects))
    with contextlib.closing(Database(asked, "groups")) as database, consuming(asked, database, handler):
        until(lambda: all(handler.applied[subject] == [1] for subject in subjects))
    assert rows(asked, "SELECT count(*), count(DISTINCT xmin::text) <= 20 FROM inbox") == [(200, True)]


@pytest.mark.parametrize(("ca", "line"), [("good", "reading"), ("wrong", "connection lost")])
def test_the_sample_for_partners_checks_the_broker_as_well(
    at_broker: tuple[Settings, Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ca: str, line: str
) -> None:
    asked, place = at_broker
    monkeypatch.setenv("PARTNER_AMQP_CA", str(getattr(place, ca).file))
    address = asked.amqp_url("groups").partition("?")[0]
    sample = Sample(address, "groups.events", tmp_path / "state.json")
    try:
        until(lambda: bool(sample.lines))
        assert sample.lines[0].startswith(line)
    finally:
        sample.stop()
