"""A private PostgreSQL for one network: found, made once, started on a port of its own, asked by connecting."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg

from chassis import addresses
from chassis.settings import KEYS_DATABASE, Settings, ensure_secret
from deploy.local.faults import LocalFault
from deploy.local.folders import database_account, postgres_folder
from deploy.local.program import Program

SUPERUSER = "postgres"
CASES, KEYS = "postgres", "keystore"
"""The two clusters of a network. Keys have one of their own, so that their backups end on a day of their own."""

INITDB_SECONDS = 120
CONFIGURATION = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # no socket file anywhere: one door, one kind of password
    "password_encryption": "scram-sha-256",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "jit": "off",  # every statement here is short; compiling one would cost more than running it
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_error_statement": "panic",  # a failing statement may carry what a person wrote
    "log_min_messages": "log",  # and its message too: invalid input syntax for type uuid: "…"
    "log_error_verbosity": "terse",
}
SMALL = {"shared_buffers": "32MB", "max_wal_size": "256MB"}
"""What differs for the cluster of keys."""

ARCHIVING = {"archive_mode": "on", "archive_timeout": "60"}
ARCHIVE = """#!/bin/sh
# PostgreSQL calls this with the path and the name of each finished piece of its log; tukiverkko wrote it.
# Not zero means: keep the piece and ask again. Where no backup was asked for, nothing is kept.
set -eu
[ -f "$3/archive.path" ] || exit 0
to="$(cat "$3/archive.path")/$2.gz"
if [ -e "$to" ]; then gunzip -c "$to" | cmp -s - "$1"; exit; fi
gzip -1 -c "$1" > "$to.part"
sync "$to.part"
mv "$to.part" "$to"
sync "${to%/*}"
"""
WITHOUT_DURABILITY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class PostgresFiles:
    """Where the private instance lives and who runs it."""

    binaries: Path
    folder: Path
    account: str | None
    store: str = CASES

    @property
    def data(self) -> Path:
        """The cluster itself."""
        return self.folder / "data"


def find_binaries(env: dict[str, str] | None = None) -> Path | None:
    """The newest folder with `postgres` and `initdb`: TUKIVERKKO_POSTGRES_BIN, Debian's place, then PATH."""
    found = (env or dict(os.environ)).get("TUKIVERKKO_POSTGRES_BIN")
    debian = sorted(Path("/usr/lib/postgresql").glob("[0-9]*/bin"), key=lambda path: -int(path.parent.name))
    path = [Path(part) for part in os.environ.get("PATH", "").split(":") if part]
    for folder in [Path(found)] if found else [*debian, *path]:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder.resolve()
    return None


def binaries(settings: Settings) -> Path:
    """The folder of PostgreSQL's programs. Raises LocalFault when it is not installed."""
    found = find_binaries(dict(settings.environment or os.environ))
    if found is None:
        message = "PostgreSQL is not installed (package postgresql)."
        raise LocalFault(message)
    return found


def major(folder: Path) -> int:
    """The version of the PostgreSQL in a folder: 15 for 15.14."""
    said = subprocess.run((str(folder / "postgres"), "--version"), capture_output=True, text=True, check=True)
    return int(re.findall(r"\d+", said.stdout)[0])


def files_of(settings: Settings, store: str = CASES) -> PostgresFiles:
    """Where a cluster is or will be. Raises LocalFault when PostgreSQL is not installed."""
    account = database_account()
    return PostgresFiles(binaries(settings), postgres_folder(settings.home, account, store), account, store)


def prepare(settings: Settings, store: str = CASES) -> PostgresFiles:
    """Make the cluster unless it is there; the superuser's password is the secret db_postgres."""
    files = files_of(settings, store)
    ensure_secret(settings.home, "db_postgres")
    if not _is_complete(files):
        _initialise(files, settings.secret("db_postgres"))
    (files.folder / "archive.sh").write_text(ARCHIVE, encoding="ascii")
    return files


def program(
    settings: Settings, files: PostgresFiles, *, durable: bool = True, more: Mapping[str, str] | None = None
) -> Program:
    """How the launcher runs this instance; `more` settings of PostgreSQL go before ours."""
    port = port_of(settings, files.store)
    archive = {**ARCHIVING, "archive_command": f'sh "{files.folder}/archive.sh" "%p" "%f" "{files.folder}"'}
    own = {**CONFIGURATION, **(SMALL if files.store == KEYS else {}), **archive}
    options = {"port": str(port), **own, **({} if durable else WITHOUT_DURABILITY), **(more or {})}
    flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    return Program(
        name=files.store,
        command=(str(files.binaries / "postgres"), "-D", str(files.data), *flags),
        log=settings.home / "logs" / f"{files.store}.log",
        ready=lambda: answers(settings, files.store),
        env=_environment(files),
        folder=files.folder,
        account=files.account,
        stop_signal=signal.SIGINT,  # the "fast" stop: sessions are ended, nothing is lost
        stop_seconds=8,
        before=lambda: _forget_stale_pid(files),
        port=port,
    )


def port_of(settings: Settings, store: str) -> int:
    """The port of one of the two clusters."""
    return settings.keys_port if store == KEYS else settings.postgres_port


def superuser_url(settings: Settings, database: str = "postgres", store: str | None = None) -> str:
    """libpq address for the launcher itself; no process of the network ever gets it."""
    found = store or (KEYS if database.startswith(KEYS_DATABASE) else CASES)
    place = f"{settings.keys_host if found == KEYS else settings.postgres_host}:{port_of(settings, found)}"
    url = f"postgresql://{SUPERUSER}:{settings.secret('db_postgres')}@{place}/{database}"
    return addresses.verified(url, settings.postgres_ca)


def answers(settings: Settings, store: str = CASES) -> bool:
    """Whether a real session can be opened: an open port or a living process is no proof."""
    try:
        with psycopg.connect(superuser_url(settings, store=store), connect_timeout=2) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True


def _environment(files: PostgresFiles) -> dict[str, str]:
    return {"PATH": f"{files.binaries}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": str(files.folder)}


def _is_complete(files: PostgresFiles) -> bool:
    # written last: a start that was killed during initdb leaves the mark out, and the half cluster is made again
    return (files.folder / "complete").exists()


def _initialise(files: PostgresFiles, password: str) -> None:
    secret = files.folder / "superuser"
    remove(files, files.data)
    secret.write_text(password, encoding="ascii")
    secret.chmod(0o600)
    if files.account:
        found = files.folder.stat()
        os.chown(secret, found.st_uid, found.st_gid)
    command = (
        *(str(files.binaries / "initdb"), "-D", str(files.data), "-U", SUPERUSER, "--pwfile", str(secret)),
        *("-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums", "--no-instructions"),
    )
    try:
        made = as_account(files, command)
    finally:
        secret.unlink()
    if made.returncode:
        lines = [line for line in made.stdout.splitlines() if line.strip()] or ["no reason given"]
        message = f"initdb could not make the database in {files.data}: {lines[-1]}"
        raise LocalFault(message)
    mark_complete(files)


def mark_complete(files: PostgresFiles) -> None:
    """Say that the cluster is whole; one without the mark is made again at the next start."""
    (files.folder / "complete").touch()


def remove(files: PostgresFiles, folder: Path) -> None:
    """Remove a folder of the account's."""
    if folder.exists():
        as_account(files, ("/bin/rm", "-rf", str(folder)))


def as_account(
    files: PostgresFiles, command: tuple[str, ...], seconds: float = INITDB_SECONDS, given: IO[bytes] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's own programs to its end, as whoever PostgreSQL runs as."""
    return subprocess.run(
        command,
        cwd=files.folder,
        env=_environment(files),
        stdin=given or subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
        user=files.account,
        group=files.account,
        extra_groups=() if files.account else None,
    )


def _forget_stale_pid(files: PostgresFiles) -> None:
    """Remove a pid file whose number now belongs to another program: PostgreSQL would believe it and refuse."""
    path = files.data / "postmaster.pid"
    try:
        pid = path.read_text(encoding="ascii").splitlines()[0].strip()
        if Path(f"/proc/{pid}/cwd").resolve() != files.data.resolve():
            path.unlink(missing_ok=True)
    except (OSError, IndexError):
        return
