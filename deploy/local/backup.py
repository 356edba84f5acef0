"""Makes a backup of a running network: a whole copy of each store, and from then on the log as it is written.

The keys are copied after the cases, so that a copy of cases never knows a key that the copy of keys does not. Their
copies and their log end after seven days: then a key that was destroyed by an erasure is gone from here as well.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql

from chassis import clock
from chassis.settings import KEYS_DATABASE, SERVICES, Settings
from deploy.local import archive, network, postgres
from deploy.local.archive import BASE, HALF, NAMES, Shelf, Whole
from deploy.local.checking import Tell
from deploy.local.faults import LocalFault
from deploy.local.folders import may_enter
from deploy.local.postgres import CASES, KEYS, PostgresFiles, superuser_url
from deploy.local.pruning import prune

KEY_DAYS = 7
CASE_DAYS = 35
ARCHIVING_SECONDS = 60.0
LOOK_SECONDS = 0.2


def back_up(settings: Settings, shelves: dict[str, Shelf], tell: Tell, *, case_days: int = CASE_DAYS) -> None:
    """Copy both stores and their log, then remove what is too old. Raises LocalFault; an older backup stays whole."""
    with _only_one(settings, shelves):
        for store in (CASES, KEYS):
            _copy(settings, shelves[store], tell)
        _archive(settings, shelves, tell)
        prune(shelves[CASES], clock.now() - dt.timedelta(days=case_days))
        prune(shelves[KEYS], clock.now() - dt.timedelta(days=KEY_DAYS))


def archive_log(settings: Settings, shelves: dict[str, Shelf], tell: Tell) -> None:
    """Bring what was written until now into an existing backup. Raises LocalFault."""
    for store, shelf in shelves.items():
        shelf.newest()
        _refuse_other_target(postgres.files_of(settings, store), shelf)
    with _only_one(settings, shelves):
        _archive(settings, shelves, tell)


@contextlib.contextmanager
def _only_one(settings: Settings, shelves: dict[str, Shelf]) -> Iterator[None]:
    if not (network.has_own_postgres(settings) and network.has_own_keystore(settings)):
        message = "PostgreSQL is not the launcher's own here: back both stores up by its own means."
        raise LocalFault(message)
    if not all(postgres.answers(settings, store) for store in shelves):
        message = "A backup needs the running network: PostgreSQL does not answer; `tukiverkko up` starts it."
        raise LocalFault(message)
    with contextlib.ExitStack() as stack:
        for store, shelf in shelves.items():
            files = postgres.files_of(settings, store)
            _prepare(shelf, files)
            stack.enter_context(_held(shelf))
            _refuse_foreign(settings, shelf)
            for base in shelf.half():  # nobody works on them, the lock says
                shutil.rmtree(base, ignore_errors=True)
            _direct_log(files, shelf)
        yield


@contextlib.contextmanager
def _held(shelf: Shelf) -> Iterator[None]:
    with (shelf.folder / "lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            message = f"Another backup into {shelf.folder} is running."
            raise LocalFault(message) from error
        yield


def _prepare(shelf: Shelf, files: PostgresFiles) -> None:
    try:
        for folder in (shelf.bases, shelf.log):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if files.account:
            found = pwd.getpwnam(files.account)
            os.chown(shelf.log, found.pw_uid, found.pw_gid)
            shelf.folder.chmod(0o711)
    except OSError as error:
        message = f"The backup folder {shelf.folder} can not be used: {error.strerror}."
        raise LocalFault(message) from error
    if not may_enter(shelf.log, files.account):
        message = f"The account {files.account}, which PostgreSQL runs as, can not walk into {shelf.log}."
        raise LocalFault(message)


def _refuse_foreign(settings: Settings, shelf: Shelf) -> None:
    found = shelf.whole()
    if found and archive.read_whole(found[-1]).network != _identity(settings):
        message = f"{shelf.folder} is the backup of another network; choose another folder."
        raise LocalFault(message)


def _refuse_other_target(files: PostgresFiles, shelf: Shelf) -> None:
    path = files.folder / "archive.path"
    if not path.exists() or path.read_text(encoding="utf-8") != str(shelf.log.resolve()):
        message = (
            f"The log does not go to {shelf.log} at present, so that pieces are missing; make a whole backup there."
        )
        raise LocalFault(message)


def _direct_log(files: PostgresFiles, shelf: Shelf) -> None:
    path = files.folder / "archive.path"
    temporary = path.with_suffix(".new")
    temporary.write_text(str(shelf.log.resolve()), encoding="utf-8")
    temporary.chmod(0o644)
    temporary.rename(path)


def _identity(settings: Settings) -> str:
    with psycopg.connect(superuser_url(settings), autocommit=True) as connection:
        row = connection.execute("SELECT system_identifier::text FROM pg_control_system()").fetchone()
    assert row is not None
    return str(row[0])


def _copy(settings: Settings, shelf: Shelf, tell: Tell) -> None:
    began = clock.now()
    base = shelf.bases / f"{began:%Y%m%dT%H%M%S.%fZ}{HALF}"
    base.mkdir(mode=0o700)
    if shelf.store == KEYS:
        _clear_dead_keys(settings)
    files = postgres.files_of(settings, shelf.store)
    _run_basebackup(settings, files, base, tell)
    first, last = archive.range_of(base)
    whole = Whole(
        format=archive.FORMAT,
        store=shelf.store,
        network=_identity(settings),
        postgres=postgres.major(files.binaries),
        began_at=began.isoformat(),
        ended_at=clock.now().isoformat(),
        bytes=(base / BASE).stat().st_size,
        sha256=archive.digest(base / BASE),
        first=first,
        last=last,
        migrations=_migrations(settings, shelf.store),
    )
    archive.write_whole(base, whole)
    os.sync()
    base.rename(base.with_suffix(""))


def _clear_dead_keys(settings: Settings) -> None:
    # a deleted row stays in its page until then, and would be copied
    with psycopg.connect(superuser_url(settings, KEYS_DATABASE), autocommit=True) as connection:
        connection.execute("VACUUM")


def _run_basebackup(settings: Settings, files: PostgresFiles, base: Path, tell: Tell) -> None:
    port = postgres.port_of(settings, files.store)
    words = ("--format=tar", "--gzip", "--wal-method=none", "--checkpoint=fast", "--manifest-checksums=SHA256")
    where = (f"--host={settings.postgres_host}", f"--port={port}", f"--username={postgres.SUPERUSER}", "--no-password")
    environment = {"PATH": f"{files.binaries}:/usr/bin:/bin", "PGPASSWORD": settings.secret("db_postgres")}
    command = (str(files.binaries / "pg_basebackup"), f"--pgdata={base}", *words, *where)
    with (
        psycopg.connect(superuser_url(settings, store=files.store), autocommit=True) as connection,
        subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        try:
            while process.poll() is None:
                tell(f"copying the {NAMES[files.store]}", _streamed(connection))
                _refuse_stuck_log(connection, files.store)
                time.sleep(LOOK_SECONDS)
        finally:
            process.terminate()
        said = (process.stderr.read() if process.stderr else "").strip().splitlines()
    if process.returncode:
        message = f"PostgreSQL could not copy the {NAMES[files.store]}: {said[-1] if said else 'no reason given'}"
        raise LocalFault(message)


_PROGRESS = "SELECT backup_streamed::float / nullif(backup_total, 0) FROM pg_stat_progress_basebackup"


def _streamed(connection: psycopg.Connection) -> float:
    row = connection.execute(_PROGRESS).fetchone()
    return min(1.0, float(row[0] or 0)) if row else 0.0


_STUCK = """
SELECT last_failed_wal FROM pg_stat_archiver
 WHERE last_failed_time > coalesce(last_archived_time, '-infinity') AND last_failed_time > now() - interval '10 seconds'
"""


def _refuse_stuck_log(connection: psycopg.Connection, store: str) -> None:
    row = connection.execute(_STUCK).fetchone()
    if row is not None:
        message = f"PostgreSQL can not put its log into the backup ({row[0]}); `tukiverkko logs {store}` says why."
        raise LocalFault(message)


def _archive(settings: Settings, shelves: dict[str, Shelf], tell: Tell) -> None:
    for store in (CASES, KEYS):  # the keys last: they must reach at least as far
        name = NAMES[store]
        tell(f"archiving the log of the {name}", 0.0)
        with psycopg.connect(superuser_url(settings, store=store), autocommit=True) as connection:
            connection.execute("SELECT txid_current()")  # a moment that the restore can read in the log
            row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
            assert row is not None
            _await_piece(connection, shelves[store], str(row[0]))
        tell(f"archiving the log of the {name}", 1.0)


def _await_piece(connection: psycopg.Connection, shelf: Shelf, piece: str) -> None:
    deadline = time.monotonic() + ARCHIVING_SECONDS
    while not (shelf.log / f"{piece}.gz").exists():
        _refuse_stuck_log(connection, shelf.store)
        if time.monotonic() > deadline:
            message = f"PostgreSQL did not put {piece} into {shelf.log}; `tukiverkko logs {shelf.store}` says why."
            raise LocalFault(message)
        time.sleep(LOOK_SECONDS)


def _migrations(settings: Settings, store: str) -> list[str]:
    """What was applied; a restore by older code refuses what that does not know."""
    found: set[str] = set()
    for service in SERVICES:
        database = KEYS_DATABASE if store == KEYS else f"tukiverkko_{service}"
        query = sql.SQL("SELECT name FROM {}.migration").format(sql.Identifier(service if store == KEYS else "public"))
        with psycopg.connect(superuser_url(settings, database), autocommit=True) as connection:
            found |= {str(row[0]) for row in connection.execute(query)}
    return sorted(found)
