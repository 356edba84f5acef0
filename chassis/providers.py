"""What nameko injects: providers supply and observe, they never commit or publish (architecture.md traps 3 and 11).

Write `db: Database = DatabaseProvider()` in a service class, so that the type checker goes on seeing `self.db`.
"""

from __future__ import annotations

from typing import Any

from nameko.extensions import DependencyProvider

from chassis import health
from chassis.db import Database
from chassis.scanning import Scanner, scanner_of
from chassis.settings import Settings

KEPT = "database"


def settings_of(container: Any) -> Settings:
    """The settings that the launcher gave to this process."""
    settings: Settings = container.config["settings"]
    return settings


def database_of(container: Any) -> Database:
    """The one database of this process, made when it is first asked for."""
    kept: dict[str, Any] = container.config.setdefault("kept", {})
    if KEPT not in kept:
        kept[KEPT] = Database(settings_of(container), container.service_name)
    database: Database = kept[KEPT]
    return database


class DatabaseProvider(DependencyProvider):
    """Supplies the service's database and tells the health page whether it answers."""

    def setup(self) -> None:
        """Make the database known to the health page; nothing is connected yet."""
        database = database_of(self.container)
        health.CHECKS.add("database", lambda: None if database.ping() else "unavailable", vital=True)

    def stop(self) -> None:
        """Close the connections after the last worker has ended."""
        database_of(self.container).close()

    def get_dependency(self, worker_ctx: Any) -> Database:  # noqa: ARG002 -- nameko's signature
        """Inject the database."""
        return database_of(self.container)


class SettingsProvider(DependencyProvider):
    """Supplies the settings of the process, for what a service says about the network itself."""

    def get_dependency(self, worker_ctx: Any) -> Settings:  # noqa: ARG002 -- nameko's signature
        """Inject the settings."""
        return settings_of(self.container)


class ScannerProvider(DependencyProvider):
    """Supplies the virus scanner of the settings; a wrong address stops the start."""

    scanner: Scanner

    def setup(self) -> None:
        """Read the setting; nothing is connected yet."""
        self.scanner = scanner_of(settings_of(self.container).scanner)

    def get_dependency(self, worker_ctx: Any) -> Scanner:  # noqa: ARG002 -- nameko's signature
        """Inject the scanner."""
        return self.scanner
