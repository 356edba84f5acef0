"""Fresh databases made from migrated templates, and fresh virtual hosts, for one test or one worker."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql

from chassis.settings import KEYS_DATABASE, SERVICES, Settings
from deploy.local.postgres import superuser_url
from deploy.local.provision import make_database
from deploy.local.roles import Base, keys_base, service_base
from tests.support.events import check_outbox


@dataclass
class Databases:
    """Makes databases for tests and drops what it made."""

    settings: Settings
    worker: str
    made: list[str] = field(default_factory=list)

    def fresh(self, service: str) -> Settings:
        """Settings whose `database_url(service)` is a new copy of the service's migrated database."""
        name = f"test_{self.worker}_{service}_{uuid4().hex[:8]}"
        self.copy(service_base(service, name), template=f"tukiverkko_{service}")
        return with_database(self.settings, service, name)

    def copy(self, base: Base, *, template: str) -> None:
        """Make `base` from a template and remember to drop it."""
        with psycopg.connect(superuser_url(self.settings), autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(4711)")  # two copies of one template at once are refused
            make_database(connection, base, template=template)
        self.made.append(base.name)

    def drop(self, names: list[str] | None = None, *, checked: bool = True) -> None:
        """Drop the named databases, or all that were made here, with whoever is still connected.

        Every event that tests wrote into them is held against the committed schemas, unless odd ones were meant.
        """
        doomed = list(self.made) if names is None else names
        try:
            for name in doomed if checked else ():
                service = name.split("_")[-2]
                if service in SERVICES:
                    check_outbox(superuser_url(self.settings, name), service)
        finally:
            self._drop(doomed)

    def _drop(self, doomed: list[str]) -> None:
        with psycopg.connect(superuser_url(self.settings), autocommit=True) as connection:
            for name in doomed:
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
                self.made.remove(name)


def with_database(settings: Settings, service: str, name: str) -> Settings:
    """The same settings with another database for one service, for its processes, its owner and its superuser."""
    url = re.sub(r"/[^/]+$", f"/{name}", settings.database_url(service))
    environment = {**(settings.environment or {}), f"TUKIVERKKO_{service.upper()}_DATABASE_URL": url}
    return replace(settings, environment=environment)


def with_keys(settings: Settings, name: str, services: tuple[str, ...]) -> Settings:
    """The same settings with another database of keys."""
    environment = dict(settings.environment or {})
    for service in services:
        url = re.sub(r"/[^/]+$", f"/{name}", settings.keys_url(service))
        environment[f"TUKIVERKKO_{service.upper()}_KEYS_URL"] = url
    return replace(settings, environment=environment)


def owner_url(settings: Settings, service: str) -> str:
    """The address of the database that `settings` name for the service, for its owner role."""
    name = settings.database_url(service).rpartition("/")[2]
    return re.sub(r"/[^/]+$", f"/{name}", settings.database_url(service, "owner"))


def root_url(settings: Settings, service: str) -> str:
    """The address of the database that `settings` name for the service, for the superuser: to look at everything."""
    return superuser_url(settings, settings.database_url(service).rpartition("/")[2])


def worker_home(session_home: Path, home: Path) -> None:
    """Make a home for one worker with the session's secrets and keys; what a test changes stays there."""
    for part in ("secrets", "keys"):
        shutil.copytree(session_home / part, home / part)
    for part in ("run", "logs"):
        (home / part).mkdir()


def keys_copy(worker: str) -> Base:
    """The database of keys for one worker."""
    return keys_base(f"{KEYS_DATABASE}_{worker}")
