"""A private PostgreSQL for one network: found, made once, started on a port of its own, asked by connecting."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg

from chassis.settings import Settings, ensure_secret
from deploy.local.faults import LocalFault
from deploy.local.folders import database_account, postgres_folder
from deploy.local.program import Program

SUPERUSER = "postgres"
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
WITHOUT_DURABILITY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class PostgresFiles:
    """Where the private instance lives and who runs it."""

    binaries: Path
    folder: Path
    account: str | None

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


def prepare(settings: Settings) -> PostgresFiles:
    """Make the cluster unless it is there; the superuser's password is the secret db_postgres."""
    binaries = find_binaries(dict(settings.environment or os.environ))
    if binaries is None:
        message = "PostgreSQL is not installed (package postgresql)."
        raise LocalFault(message)
    account = database_account()
    files = PostgresFiles(binaries, postgres_folder(settings.home, account), account)
    ensure_secret(settings.home, "db_postgres")
    if not _is_complete(files):
        _initialise(files, settings.secret("db_postgres"))
    return files


def program(settings: Settings, files: PostgresFiles, *, durable: bool = True) -> Program:
    """How the launcher runs this instance."""
    options = {"port": str(settings.postgres_port), **CONFIGURATION, **({} if durable else WITHOUT_DURABILITY)}
    flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    return Program(
        name="postgres",
        command=(str(files.binaries / "postgres"), "-D", str(files.data), *flags),
        log=settings.home / "logs" / "postgres.log",
        ready=lambda: answers(settings),
        env=_environment(files),
        folder=files.folder,
        account=files.account,
        stop_signal=signal.SIGINT,  # the "fast" stop: sessions are ended, nothing is lost
        stop_seconds=8,
        before=lambda: _forget_stale_pid(files),
        port=settings.postgres_port,
    )


def superuser_url(settings: Settings, database: str = "postgres") -> str:
    """libpq address for the launcher itself; no process of the network ever gets it."""
    host, port = settings.postgres_host, settings.postgres_port
    return f"postgresql://{SUPERUSER}:{settings.secret('db_postgres')}@{host}:{port}/{database}"


def answers(settings: Settings) -> bool:
    """Whether a real session can be opened: an open port or a living process is no proof."""
    try:
        with psycopg.connect(superuser_url(settings), connect_timeout=2) as connection:
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
    _remove(files, files.data)
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
        made = _as_account(files, command)
    finally:
        secret.unlink()
    if made.returncode:
        lines = [line for line in made.stdout.splitlines() if line.strip()] or ["no reason given"]
        message = f"initdb could not make the database in {files.data}: {lines[-1]}"
        raise LocalFault(message)
    (files.folder / "complete").touch()


def _remove(files: PostgresFiles, folder: Path) -> None:
    if folder.exists():
        _as_account(files, ("/bin/rm", "-rf", str(folder)))


def _as_account(files: PostgresFiles, command: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=files.folder,
        env=_environment(files),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=INITDB_SECONDS,
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
