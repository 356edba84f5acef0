"""The home folder of one network: what lies where, and who may walk into it."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
from pathlib import Path

from deploy.local.faults import LocalFault

FREE_BYTES_NEEDED = 300 * 1024 * 1024
ELSEWHERE = Path("/var/tmp")  # noqa: S108  the folder made there belongs to us alone and is checked
ACCOUNTS = ("postgres", "nobody")


def prepare_home(home: Path) -> None:
    """Make the folders of a home; raises LocalFault when there is no permission or no room."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        for name, mode in (("logs", 0o755), ("run", 0o755), ("keys", 0o755), ("secrets", 0o700)):
            (home / name).mkdir(mode=mode, exist_ok=True)
        probe = home / "run" / f".probe.{os.getpid()}"
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
    except OSError as error:
        message = f"The home folder {home} cannot be used: {error.strerror}; choose another by TUKIVERKKO_HOME."
        raise LocalFault(message) from error
    free = shutil.disk_usage(home).free
    if free < FREE_BYTES_NEEDED:
        message = f"The disk of {home} has {free // 2**20} MiB left; Tukiverkko needs {FREE_BYTES_NEEDED // 2**20} MiB."
        raise LocalFault(message)


def database_account() -> str | None:
    """The account PostgreSQL runs as: our own, unless we are root, whom PostgreSQL refuses."""
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    message = f"PostgreSQL does not run as root and this machine has none of the accounts {', '.join(ACCOUNTS)}."
    raise LocalFault(message)


def may_enter(folder: Path, account: str | None) -> bool:
    """Whether `account` can walk into `folder`; asked of the kernel, because modes and lists of rights can lie."""
    if account is None:
        return os.access(folder, os.X_OK)
    asked = subprocess.run(
        ("/usr/bin/test", "-x", str(folder)), user=account, group=account, extra_groups=(), check=False, cwd="/"
    )
    return asked.returncode == 0


def postgres_folder(home: Path, account: str | None, name: str = "postgres") -> Path:
    """The folder of a cluster, owned by `account`: in the home, or in /var/tmp where the home is closed to it."""
    recorded = home / f"{name}.path"
    if recorded.exists():
        folder = Path(recorded.read_text(encoding="utf-8").strip())
    elif may_enter(home, account):
        folder = home / name
    else:
        digest = hashlib.sha256(f"{home}{'' if name == 'postgres' else f'|{name}'}".encode()).hexdigest()[:16]
        folder = ELSEWHERE / f"tukiverkko-{digest}"
        recorded.write_text(f"{folder}\n", encoding="utf-8")
    return _owned(folder, account)


def _owned(folder: Path, account: str | None) -> Path:
    owner = pwd.getpwnam(account).pw_uid if account else os.geteuid()
    try:
        folder.mkdir(mode=0o700)
        if account:
            os.chown(folder, owner, pwd.getpwnam(account).pw_gid)
    except FileExistsError:
        found = folder.lstat()
        if folder.is_symlink() or found.st_uid != owner:
            message = f"The folder {folder} belongs to somebody else (uid {found.st_uid}); move it away."
            raise LocalFault(message) from None
    except OSError as error:
        message = f"The database folder {folder} cannot be made: {error.strerror}."
        raise LocalFault(message) from error
    return folder
