"""What a restore refuses before it makes anything: each reason is one sentence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chassis.migrate import key_steps_of, steps_of
from chassis.settings import SERVICES, Settings
from deploy.local import archive, network, ports, postgres
from deploy.local.archive import NAMES, Shelf, Whole
from deploy.local.faults import LocalFault
from deploy.local.postgres import CASES, KEYS

FILES = ("kek", "audit_key", "request_key", "contact_key", "signing_key.json", "db_postgres")
Tell = Callable[[str, float], None]
"""Takes what is being done and how far it is, from 0 to 1."""


@dataclass(frozen=True)
class Chosen:
    """What a store is made from: its newest whole base and the log from there on."""

    shelf: Shelf
    base: Path
    whole: Whole
    pieces: list[str]


def refuse_home(settings: Settings) -> None:
    """A restore makes a home and changes none. Raises LocalFault."""
    if not (network.has_own_postgres(settings) and network.has_own_keystore(settings)):
        message = "PostgreSQL is not the launcher's own here: restore both stores by its own means."
        raise LocalFault(message)
    if settings.home.exists() and (not settings.home.is_dir() or any(settings.home.iterdir())):
        message = f"The home {settings.home} is not empty; restore into a new one by TUKIVERKKO_HOME."
        raise LocalFault(message)
    ports.require_free(settings.port, (CASES, KEYS))


def choose(settings: Settings, shelf: Shelf, tell: Tell) -> Chosen:
    """The newest whole base of a store with all of its log behind it, each byte checked. Raises LocalFault."""
    if not shelf.folder.is_dir():
        message = f"There is no backup of the {NAMES[shelf.store]}: the folder {shelf.folder} is missing."
        raise LocalFault(message)
    base = shelf.newest()
    whole = archive.read_whole(base)
    installed = postgres.major(postgres.binaries(settings))
    if whole.postgres != installed:
        message = f"The backup was made by PostgreSQL {whole.postgres}; this machine has {installed}."
        raise LocalFault(message)
    known = {step.name for service in SERVICES for step in (*steps_of(service), *key_steps_of(service))}
    if unknown := sorted(set(whole.migrations) - known):
        message = f"The backup was made by a newer version: this one does not know {unknown[-1]}."
        raise LocalFault(message)
    tell(f"checking the {NAMES[shelf.store]}", 0.0)
    archive.check_base(base, whole)
    return Chosen(shelf, base, whole, archive.check_log(shelf, whole))


def refuse_pair(chosen: dict[str, Chosen]) -> None:
    """Cases and keys of one network, each in its place. Raises LocalFault."""
    for store, each in chosen.items():
        if each.whole.store != store:
            message = f"{each.base} holds the {NAMES.get(each.whole.store, '?')}, not the {NAMES[store]}."
            raise LocalFault(message)
    if chosen[CASES].whole.network != chosen[KEYS].whole.network:
        message = "Cases and keys are backups of two different networks."
        raise LocalFault(message)


def refuse_older_keys(cases: dt.datetime, keys: dt.datetime, skew: dt.timedelta) -> None:
    """Records newer than the keys could not be read. Raises LocalFault."""
    if keys < cases - skew:
        message = (
            f"The key store is older than the case stores: it ends at {keys:%Y-%m-%d %H:%M:%S}Z, they at "
            f"{cases:%Y-%m-%d %H:%M:%S}Z, so that newer records could not be read."
        )
        raise LocalFault(message)


def refuse_secrets(secrets: Path) -> None:
    """All that the restored network needs and the backup does not have. Raises LocalFault."""
    missing = [name for name in FILES if not (secrets / "secrets" / name).is_file()]
    if not (secrets / "keys" / "jwks.json").is_file():
        missing.append("jwks.json")
    if missing:
        message = f"The secrets in {secrets} are not complete: {', '.join(missing)} missing."
        raise LocalFault(message)
