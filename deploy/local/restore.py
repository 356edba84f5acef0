"""Makes a new home from a backup: all is checked first, built beside the home, and put in its place at the end.

Whatever is refused, and whatever is broken off, leaves the home as it was: not there.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
from psycopg import sql

from chassis import erasure
from chassis.errors import Unavailable
from chassis.migrate import MigrationError, migrate
from chassis.sealing import KeyStore
from chassis.settings import KEYS_DATABASE, SERVICES, Settings
from deploy.local import checking, postgres, provision
from deploy.local.archive import BASE, MANIFEST, NAMES, Shelf
from deploy.local.checking import Chosen, Tell
from deploy.local.faults import LocalFault
from deploy.local.folders import prepare_home
from deploy.local.postgres import CASES, KEYS, PostgresFiles, superuser_url
from deploy.local.program import Program, end, last_lines, spawn, wait_ready
from deploy.local.reached import newest_commit

SKEW = dt.timedelta(minutes=5)
"""By how much the log of the keys may end before that of the cases; both are archived at least every minute."""

START_SECONDS = 3600.0
UNPACK_SECONDS = 6 * 3600.0
LOOK_SECONDS = 0.2
AT_ONCE = 500


@dataclass(frozen=True)
class Restored:
    """What came back: up to which moment, and how many records have no key (erased, or newer than the keys)."""

    cases_until: dt.datetime
    keys_until: dt.datetime
    without_key: int
    erased_again: int


def restore(
    settings: Settings, shelves: dict[str, Shelf], secrets: Path, tell: Tell, *, skew: dt.timedelta = SKEW
) -> Restored:
    """Make the home of `settings` from a backup; start nothing for good. Raises LocalFault with nothing touched."""
    checking.refuse_home(settings)
    chosen = {store: checking.choose(settings, shelf, tell) for store, shelf in shelves.items()}
    checking.refuse_pair(chosen)
    until = {store: newest_commit(postgres.binaries(settings), each) for store, each in chosen.items()}
    checking.refuse_older_keys(until[CASES], until[KEYS], skew)
    checking.refuse_secrets(secrets)
    building = settings.home.with_name(f".{settings.home.name}.restoring")
    with _built(replace(settings, home=building), secrets) as staged:
        with _running(staged, chosen, tell):
            tell("checking", 0.0)
            provision.make_databases(staged)
            _migrate(staged)
            _refuse_other_kek(staged)
            without = keyless(staged)
            erased = reapply_erasures(staged)
            tell("checking", 1.0)
        building.rename(settings.home)
    return Restored(until[CASES], until[KEYS], without, erased)


def reapply_erasures(settings: Settings) -> int:
    """Erase again what the ledger of erasures names, before anything opens; returns how many records.

    The ledger lies in the key database, so it is as new as the keys. Raises LocalFault when a database refuses.
    """
    try:
        return sum(erasure.reapply(settings, service) for service in SERVICES)
    except Unavailable as error:
        message = (
            f"What was erased since the backup could not be erased again ({error.detail}), so nothing was restored."
        )
        raise LocalFault(message) from error


_KEY_COLUMNS = """
SELECT table_name FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
 WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND column_name = 'key_id' AND data_type = 'uuid'
 ORDER BY table_name
"""


def keyless(settings: Settings) -> int:
    """How many records name a key that the key database does not have."""
    count = 0
    with psycopg.connect(superuser_url(settings, KEYS_DATABASE)) as keys:
        for service in SERVICES:
            known = sql.SQL("SELECT id FROM {}.data_key").format(sql.Identifier(service))
            there = {row[0] for row in keys.execute(known)}
            with psycopg.connect(superuser_url(settings, f"tukiverkko_{service}")) as cases:
                for (table,) in cases.execute(_KEY_COLUMNS).fetchall():
                    used = sql.SQL("SELECT key_id FROM {} WHERE key_id IS NOT NULL").format(sql.Identifier(table))
                    count += sum(row[0] not in there for row in cases.execute(used))
    return count


@contextlib.contextmanager
def _built(staged: Settings, secrets: Path) -> Iterator[Settings]:
    try:
        _clear(staged)
        prepare_home(staged.home)
        for part in ("secrets", "keys"):
            for path in (secrets / part).iterdir():
                shutil.copyfile(path, staged.home / part / path.name)
                (staged.home / part / path.name).chmod(0o600 if part == "secrets" else 0o644)
        provision.make_secrets(staged)
        yield staged
    finally:
        _clear(staged)


def _clear(staged: Settings) -> None:
    """Remove what an earlier or this restore built and did not finish; after the renaming there is nothing."""
    if staged.home.exists():
        for store in (CASES, KEYS):
            files = postgres.files_of(staged, store)
            postgres.remove(files, files.folder)
        shutil.rmtree(staged.home)


@contextlib.contextmanager
def _running(staged: Settings, chosen: dict[str, Chosen], tell: Tell) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for store, each in chosen.items():
            files = postgres.files_of(staged, store)
            _refuse_closed_log(files, each)
            tell(f"unpacking the {NAMES[store]}", 0.0)
            _unpack(files, each)
            program = _recovering(staged, files, each.shelf)
            process = spawn(program)
            stack.callback(end, program, process)
            _await(staged, program, process, each, tell)
            postgres.mark_complete(files)
        yield


_READABLE = 'for each; do test -r "$each" || { echo "$each"; exit 1; }; done'


def _refuse_closed_log(files: PostgresFiles, each: Chosen) -> None:
    paths = [str(each.shelf.log / f"{piece}.gz") for piece in each.pieces]
    for start in range(0, len(paths), AT_ONCE):
        asked = postgres.as_account(files, ("sh", "-c", _READABLE, "sh", *paths[start : start + AT_ONCE]))
        if asked.returncode:
            message = f"The account {files.account}, which PostgreSQL runs as, can not read {asked.stdout.strip()}."
            raise LocalFault(message)


def _unpack(files: PostgresFiles, each: Chosen) -> None:
    postgres.as_account(files, ("/bin/mkdir", "-m", "0700", str(files.data)))
    with (each.base / BASE).open("rb") as packed:
        made = postgres.as_account(files, ("tar", "-xzf", "-", "-C", str(files.data)), UNPACK_SECONDS, packed)
    if made.returncode:
        message = f"The backup {each.base} can not be unpacked: {(made.stdout.splitlines() or ['no reason given'])[-1]}"
        raise LocalFault(message)
    with (each.base / MANIFEST).open("rb") as manifest:
        postgres.as_account(files, ("tee", str(files.data / MANIFEST)), UNPACK_SECONDS, manifest)
    verify = (str(files.binaries / "pg_verifybackup"), "--no-parse-wal", "--quiet", str(files.data))
    checked = postgres.as_account(files, verify, UNPACK_SECONDS)
    if checked.returncode:
        message = f"The backup {each.base} is damaged: {checked.stdout.strip().splitlines()[0]}"
        raise LocalFault(message)
    postgres.as_account(files, ("/usr/bin/touch", str(files.data / "recovery.signal")))


def _recovering(staged: Settings, files: PostgresFiles, shelf: Shelf) -> Program:
    place = shlex.quote(str(shelf.log.resolve())).replace("%", "%%")
    told = {
        "archive_mode": "off",
        # above 125 means stop; anything less would be taken for the end of the log
        "restore_command": f'test -e {place}/%f.gz || exit 1; gunzip -c {place}/%f.gz > "%p" || exit 255',
        "recovery_target_timeline": "current",
    }
    return postgres.program(staged, files, more=told)


def _await(staged: Settings, program: Program, process: subprocess.Popen[bytes], each: Chosen, tell: Tell) -> None:
    name = NAMES[each.shelf.store]
    ready = wait_ready(program, process, START_SECONDS)
    while ready and process.poll() is None:
        with (
            contextlib.suppress(psycopg.Error),
            psycopg.connect(superuser_url(staged, store=each.shelf.store)) as asked,
        ):
            row = asked.execute("SELECT pg_is_in_recovery()").fetchone()
            if row == (False,):
                return
        tell(f"replaying the log of the {name}", 0.5)
        time.sleep(LOOK_SECONDS)
    message = f"PostgreSQL could not replay the log of the {name}:\n{last_lines(program.log)}"
    raise LocalFault(message)


def _migrate(staged: Settings) -> None:
    try:
        migrate(staged, SERVICES)
    except MigrationError as error:
        raise LocalFault(str(error)) from error


_SOME_KEYS = "SELECT id FROM {}.data_key ORDER BY created_at DESC LIMIT 5"


def _refuse_other_kek(staged: Settings) -> None:
    with psycopg.connect(superuser_url(staged, KEYS_DATABASE)) as connection:
        for service in SERVICES:
            some = connection.execute(sql.SQL(_SOME_KEYS).format(sql.Identifier(service))).fetchall()
            with contextlib.closing(KeyStore(staged, service)) as keys:
                try:
                    keys.fetch([row[0] for row in some])
                except Exception as error:
                    message = "The secret kek is not the one that these keys were wrapped with."
                    raise LocalFault(message) from error
