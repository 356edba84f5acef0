"""The door of access: one class, whose routes stand in the files of this room by what they are about."""

from __future__ import annotations

from chassis.db import Database, Work
from chassis.envelope import Received
from chassis.operating import operated
from chassis.providers import DatabaseProvider, SettingsProvider
from chassis.settings import Settings
from chassis.subscribe import subscribe
from services.access.rules.roles import OPERATIONS
from services.access.service.clients import Clients
from services.access.service.documents import Documents
from services.access.service.tokens import Tokens
from services.access.usecases import documents as usecases


@operated
class AccessService(Documents, Tokens, Clients):
    """Who may act for which organisation."""

    name = "access"
    operations = OPERATIONS
    db: Database = DatabaseProvider()
    settings: Settings = SettingsProvider()

    @subscribe("organisation.registered", "organisation.changed", "organisation.baseline")
    def keep_organisation(self, work: Work, received: Received) -> None:
        """Keep the local copy of the directory."""
        usecases.keep_organisation(work, received)
