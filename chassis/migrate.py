"""Brings the databases of the services to the state that this code needs: forward only, once, in order, checked.

Each service database gets the chassis's migrations, then the service's own; the key database gets one schema per
service. A file that was applied must never change: its checksum is kept and compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from chassis import clock
from chassis.settings import KEYS_DATABASE, SERVICES, Settings

ROOT = Path(__file__).parent.parent
LOCK = 7_014_226_001
LIMITS = "SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '10min'; "
"""Put before each file: a migration that waits for a lock makes everybody behind it wait too, so it gives up."""

TABLE = """
CREATE TABLE IF NOT EXISTS {}.migration (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL)
"""


class MigrationError(Exception):
    """A migration cannot be applied; the message names the file and the reason in one sentence."""


@dataclass(frozen=True, slots=True)
class Step:
    """One migration file for one database: `name` such as "referrals/0001_referral.sql"."""

    service: str
    database: str
    schema: str
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the file as it stands in the repository."""
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()


def migrate(settings: Settings, services: Iterable[str] = SERVICES, *, dry_run: bool = False) -> list[str]:
    """Apply what is missing and return the names, in order; `dry_run` only tells.

    Raises MigrationError when an applied file was changed or a statement fails. Two runs at once wait for each other.
    """
    done: list[str] = []
    for service in services:
        done += _apply(settings.database_url(service, "owner"), list(steps_of(service)), dry_run=dry_run)
        done += _apply(settings.keys_owner_url(), list(key_steps_of(service)), dry_run=dry_run)
    return done


def steps_of(service: str) -> Iterator[Step]:
    """The migrations of a service's own database: the chassis's first."""
    for owner, folder in (
        ("chassis", ROOT / "chassis" / "migrations"),
        (service, ROOT / "services" / service / "migrations"),
    ):
        for path in sorted(folder.glob("*.sql")):
            yield Step(
                service, f"tukiverkko_{service}", "public", f"{owner}/{path.name}", path.read_text(encoding="utf-8")
            )


def key_steps_of(service: str) -> Iterator[Step]:
    """The migrations of a service's schema in the key database."""
    for path in sorted((ROOT / "chassis" / "migrations" / "keys").glob("*.sql")):
        yield Step(service, KEYS_DATABASE, service, f"keys/{path.name}", path.read_text(encoding="utf-8"))


def text_of(step: Step) -> str:
    """What is executed for it; the lines keep their numbers."""
    # The files name the role and schema of the service by a placeholder, so that one file serves every service.
    return LIMITS + step.text.replace("{app}", f"{step.service}_app").replace("{service}", step.service)


def _apply(url: str, steps: list[Step], *, dry_run: bool) -> list[str]:
    done = []
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        for schema in {step.schema for step in steps}:
            connection.execute(sql.SQL(TABLE).format(sql.Identifier(schema)))
        for step in steps:
            if _pending(connection, step):
                done.append(f"{step.database}: {step.name}")
                if not dry_run:
                    _run(connection, step)
    return done


def _pending(connection: psycopg.Connection[tuple[object, ...]], step: Step) -> bool:
    query = sql.SQL("SELECT checksum FROM {}.migration WHERE name = %s").format(sql.Identifier(step.schema))
    row = connection.execute(query, (step.name,)).fetchone()
    if row is not None and row[0] != step.checksum:
        message = f"{step.name} was changed after it had been applied to {step.database}; add a new file instead."
        raise MigrationError(message)
    return row is None


def _run(connection: psycopg.Connection[tuple[object, ...]], step: Step) -> None:
    insert = sql.SQL("INSERT INTO {}.migration VALUES (%s, %s, %s)").format(sql.Identifier(step.schema))
    try:
        with connection.transaction():
            connection.execute(text_of(step).encode("utf-8"))
            connection.execute(insert, (step.name, step.checksum, clock.now()))
    except psycopg.Error as error:
        message = f"{step.name} failed on {step.database}: {error}"
        raise MigrationError(message) from error
