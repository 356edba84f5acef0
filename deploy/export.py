"""Writes what containers, database and broker are given: python -m deploy.export secrets|roles|definitions|all FOLDER.

Nothing is said here a second time: secrets come from the launcher's own list (deploy/local/provision.py), roles from
deploy/local/roles.py, broker definitions from chassis/topology.py. Each part may be written again; secrets that exist
stay as they are.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson

from chassis.settings import Settings, SettingsError, ensure_secret
from deploy.local import broker, provision, roles
from deploy.local.rabbit import ADMIN

OPEN_FILE, CLOSED_FOLDER, OPEN_FOLDER = 0o444, 0o700, 0o755
"""A container reads a secret under its own user, so the file is open to all and its folder on the host to one."""

MOUNTED_SECRETS = "/run/secrets"
SUPERUSER_SECRETS = ("db_postgres", f"amqp_{ADMIN}")


def secrets(settings: Settings) -> list[Path]:
    """Make every secret that is missing and the public key set; returns the folders they are in."""
    home = settings.home
    home.mkdir(mode=OPEN_FOLDER, parents=True, exist_ok=True)
    provision.make_secrets(settings)
    for name in SUPERUSER_SECRETS:
        ensure_secret(home, name)
    for path in (home / "secrets").iterdir():
        path.chmod(OPEN_FILE)
    (home / "secrets").chmod(CLOSED_FOLDER)
    (home / "keys").chmod(OPEN_FOLDER)
    return [home / "secrets", home / "keys"]


def role_script(settings: Settings) -> list[Path]:
    """Write roles.sql for psql; it holds no password, psql reads each from the file of its secret."""
    reads = [f"\\set db_{role} `cat {MOUNTED_SECRETS}/db_{role}`" for role in roles.role_names()]
    script = "\n".join(reads) + "\n" + roles.as_script(lambda role: f":'db_{role}'")
    return [_written(settings.home / "roles.sql", script.encode("ascii"))]


def definitions(settings: Settings) -> list[Path]:
    """Write definitions.json, which the broker loads when it starts; it holds hashes of passwords."""
    content = orjson.dumps(broker.broker_definitions(settings), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return [_written(settings.home / "secrets" / "definitions.json", content)]


def everything(settings: Settings) -> list[Path]:
    """All three, in the order in which they need each other."""
    return [*secrets(settings), *role_script(settings), *definitions(settings)]


PARTS: dict[str, Callable[[Settings], list[Path]]] = {
    "secrets": secrets,
    "roles": role_script,
    "definitions": definitions,
    "all": everything,
}


def main(arguments: list[str]) -> int:
    """Write one part, or all; returns the exit status."""
    if len(arguments) != 2 or arguments[0] not in PARTS:  # noqa: PLR2004  the part and the folder
        sys.stderr.write(f"Use: python -m deploy.export {'|'.join(PARTS)} FOLDER\n")
        return 2
    try:
        settings = replace(Settings.load(), home=Path(arguments[1]).absolute())
        for path in PARTS[arguments[0]](settings):
            sys.stdout.write(f"{path}\n")
    except (SettingsError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _written(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.write_bytes(content)
    temporary.chmod(OPEN_FILE)
    temporary.rename(path)  # a reader sees the old file or the new one, never half of it
    return path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
