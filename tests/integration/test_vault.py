"""The key-encryption key is renewed while services run and after kill -9; unused keys go, used and ready ones stay."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from chassis import clock, rotation, sealing, sweeping
from chassis.db import Database
from chassis.errors import Unavailable
from chassis.kek import KeyRing
from chassis.sealing import BATCH, DataKey, KeyStore
from chassis.settings import SERVICES, Settings, SettingsError
from deploy.local.postgres import superuser_url
from deploy.local.roles import keys_base
from services.referrals import usecases
from tests.integration.bus_rig import until
from tests.support.databases import Databases, with_keys
from tests.support.ports import free_base
from tests.support.referrals import POLICE, look, new, seed

ROOT = Path(__file__).parents[2]
PLACE = "sender_record|personal"
Root = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def at(settings: Settings, databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home and a key database of this test's own."""
    home = tmp_path / "home"
    shutil.copytree(settings.home, home)
    name = f"tukiverkko_keys_{uuid.uuid4().hex[:8]}"
    databases.copy(keys_base(name), template="tukiverkko_keys")
    owner = settings.keys_owner_url().rpartition("/")[0] + f"/{name}"
    monkeypatch.setattr(Settings, "keys_owner_url", lambda _: owner)
    return with_keys(replace(settings, home=home), name, SERVICES)


@pytest.fixture
def root(at: Settings) -> Iterator[Root]:
    name = at.keys_url("referrals").rpartition("/")[2]
    with psycopg.connect(superuser_url(at, name), autocommit=True) as connection:
        yield connection


@pytest.fixture
def keys(at: Settings) -> Iterator[KeyStore]:
    store = KeyStore(at, "referrals")
    yield store
    store.close()


def sealed_by(key: DataKey) -> tuple[uuid.UUID, uuid.UUID, bytes]:
    row = uuid.uuid4()
    return key.id, row, key.seal(PLACE, row, {"name": "x"})


def opens(store: KeyStore, sealed: list[tuple[uuid.UUID, uuid.UUID, bytes]]) -> bool:
    store._known.clear()
    return all(store.open(key_id, PLACE, row, content) == {"name": "x"} for key_id, row, content in sealed)


def keks(root: Root) -> dict[str, int]:
    return dict(root.execute("SELECT kek, count(*) FROM referrals.data_key GROUP BY kek").fetchall())  # type: ignore[arg-type]


def test_a_running_process_opens_old_and_new_ones_and_wraps_by_the_new_key(
    at: Settings, keys: KeyStore, root: Root
) -> None:
    sealed = [sealed_by(keys.take()) for _ in range(BATCH + 20)]
    until(lambda: not keys._refilling, 10)
    first = KeyRing(at).current
    assert rotation.renew(at)
    second = KeyRing(at).current
    assert second != first
    count = sum(keks(root).values())
    assert rotation.rewrap(at, "referrals") == count
    assert keks(root) == {second: count}
    assert opens(keys, sealed), "a process that was not restarted"
    sealed += [sealed_by(keys.take()) for _ in range(2 * BATCH)]
    assert set(keks(root)) == {second}
    assert not rotation.renew(at), "an older one is there still"
    assert rotation.retire(at, SERVICES) == 1
    assert at.secret_lines("kek") == [at.secret("kek")]
    fresh = KeyStore(at, "referrals")
    fresh.check()
    assert opens(fresh, sealed)
    fresh.close()


def test_the_old_key_stays_as_long_as_something_needs_it(at: Settings, keys: KeyStore) -> None:
    keys.take()
    rotation.renew(at)
    with pytest.raises(rotation.StillInUse, match="referrals"):
        rotation.retire(at, SERVICES)
    assert len(at.secret_lines("kek")) == 2


def test_a_process_that_slept_through_a_retirement_wraps_nothing_by_the_old_key(
    at: Settings, keys: KeyStore, root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the mark in the table its records could never be opened again."""
    old = KeyRing(at)
    rotation.renew(at)
    rotation.rewrap(at, "referrals")
    rotation.retire(at, SERVICES)
    monkeypatch.setattr(keys, "_ring", old)
    with monkeypatch.context() as asleep:
        asleep.setattr(KeyRing, "read", lambda _: None)
        with pytest.raises(Unavailable):
            keys.take()
    assert old.current not in keks(root)
    assert keys.take()  # it has read the file by now


KILLED = """
import os, signal, sys
from chassis import rotation
from chassis.settings import Settings
rotation.BATCH = 50
Settings.keys_owner_url = lambda _: sys.argv[1]
def told(done):
    if done >= 150:
        os.kill(os.getpid(), signal.SIGKILL)
rotation.rewrap(Settings.load(), "referrals", told=told)
"""


def environment(at: Settings) -> dict[str, str]:
    told = {"TUKIVERKKO_HOME": str(at.home), "TUKIVERKKO_POSTGRES_PORT": str(at.postgres_port)}
    return {**os.environ, **(at.environment or {}), **told, "PYTHONPATH": str(ROOT)}


def test_wrapping_anew_goes_on_after_kill_9(at: Settings, keys: KeyStore, root: Root) -> None:
    sealed = [sealed_by(keys.take()) for _ in range(3 * BATCH)]
    until(lambda: not keys._refilling, 10)
    count = sum(keks(root).values())
    rotation.renew(at)
    ran = subprocess.run((sys.executable, "-c", KILLED, at.keys_owner_url()), env=environment(at), check=False)
    assert ran.returncode == -signal.SIGKILL
    mixed = keks(root)
    assert mixed[KeyRing(at).current] == 150
    assert len(mixed) == 2
    assert opens(keys, sealed), "in the middle of it everything opens"
    assert not rotation.renew(at), "the next call goes on with the same key"
    assert rotation.rewrap(at, "referrals") == count - 150
    assert set(keks(root)) == {KeyRing(at).current}
    assert opens(keys, sealed)


def test_a_file_that_can_not_be_written_leaves_the_old_one(at: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = at.secret("kek")

    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(rotation.os, "fsync", refuse)
    with pytest.raises(OSError):  # noqa: PT011 - any
        rotation.renew(at)
    assert at.secret_lines("kek") == [before]


def test_a_process_with_another_key_says_so_and_does_not_start(at: Settings, keys: KeyStore) -> None:
    keys.take()
    (at.home / "secrets" / "kek").write_text(secrets.token_hex(32))
    with closing(KeyStore(at, "referrals")) as store, pytest.raises(SettingsError, match="kek"):
        store.check()
    assert refused(at, "-m", "chassis.launch", "referrals").endswith("nothing sealed could be opened.")


@pytest.mark.parametrize(
    ("secret", "command"),
    [("audit_key", ("-m", "chassis.launch", "groups")), ("chain_key", ("-m", "deploy.local.cli", "relay"))],
)
def test_a_process_with_a_weak_secret_does_not_start(at: Settings, secret: str, command: tuple[str, ...]) -> None:
    (at.home / "secrets" / secret).write_text("changeme" * 8)
    assert refused(at, *command).endswith(f"secrets/{secret} repeats itself.")


def refused(at: Settings, *command: str) -> str:
    """What a process that must not start says."""
    told = {**environment(at), "TUKIVERKKO_PORT": str(free_base()), "TUKIVERKKO_AMQP_PORT": str(at.amqp_port)}
    whole = (sys.executable, "-W", "ignore", *command)
    ran = subprocess.run(whole, env=told, check=False, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    return ran.stderr.strip()


def test_a_key_database_that_is_away_does_not_keep_a_process_from_starting(at: Settings) -> None:
    nowhere = {**(at.environment or {}), "TUKIVERKKO_REFERRALS_KEYS_URL": "postgresql://x:y@127.0.0.1:1/none"}
    KeyStore(replace(at, environment=nowhere), "referrals").check()


@pytest.fixture
def records(at: Settings, service_database: Callable[..., Settings]) -> Settings:
    return service_database("referrals", into=at)


def left(root: Root) -> set[uuid.UUID]:
    return {row[0] for row in root.execute("SELECT id FROM referrals.data_key")}


def aged(root: Root, hours: int) -> None:
    root.execute("UPDATE referrals.data_key SET created_at = created_at - make_interval(hours => %s)", (hours,))


def test_unused_keys_go_after_a_day_and_used_ones_stay(records: Settings, root: Root) -> None:
    db = Database(records, "referrals")
    try:
        seed(db)
        made = usecases.create(db, new())
        until(lambda: not db.keys._refilling, 10)
        before = left(root)
        aged(root, 23)
        assert sweeping.sweep(records, "referrals") == 0
        aged(root, 2)
        assert sweeping.sweep(records, "referrals") == len(before) - 2
        assert len(left(root)) == 2, "the sender's and the receiver's"
        db.keys._known.clear()
        assert usecases.read(db, look(POLICE, made.value["id"])).value["person"]
        assert sweeping.sweep(records, "referrals") == 0
    finally:
        db.close()


def test_a_ready_key_that_may_be_swept_is_never_handed_out(keys: KeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that lay in a process for a day would seal a record and be gone."""
    old = keys.take()
    assert keys._ready
    stale = {key.id for _, key in keys._ready}
    later = clock.now() + sealing.LONGEST_READY
    monkeypatch.setattr(sealing.clock, "now", lambda: later)
    assert keys.take().id not in stale | {old.id}
    assert sealing.LONGEST_READY * 2 <= sweeping.UNUSED_AFTER


def test_where_row_security_hides_rows_nothing_is_swept(records: Settings, keys: KeyStore, root: Root) -> None:
    keys.take()
    aged(root, 30)
    name = records.database_url("referrals").rpartition("/")[2]
    with psycopg.connect(superuser_url(records, name), autocommit=True) as connection:
        connection.execute("DROP POLICY look_up ON receiver_case")
    before = left(root)
    with pytest.raises(psycopg.errors.RaiseException, match="receiver_case hides rows"):
        sweeping.sweep(records, "referrals")
    assert left(root) == before


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_can_be_swept(at: Settings, service_database: Callable[..., Settings], service: str) -> None:
    """A new table that seals needs a column whose name speaks of a key, and the policy `look_up`."""
    assert sweeping.sweep(service_database(service, into=at), service) == 0


@pytest.mark.parametrize("service", SERVICES)
def test_a_table_with_sealed_content_has_a_column_for_its_key(
    service_database: Callable[..., Settings], service: str
) -> None:
    made = service_database(service)
    with psycopg.connect(superuser_url(made, made.database_url(service).rpartition("/")[2])) as connection:
        tables = connection.execute(
            "SELECT DISTINCT table_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND data_type = 'bytea' AND column_name IN ('personal', 'handling', 'sealed')"
        ).fetchall()
        for (table,) in tables:
            found = connection.execute(
                "SELECT 1 FROM information_schema.columns WHERE table_name = %s AND data_type = 'uuid'"
                " AND column_name LIKE '%%key%%'",
                (table,),
            ).fetchone()
            assert found, table
