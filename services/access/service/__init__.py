"""The door of access: one class, whose routes stand in the files of this room by what they are about."""

from __future__ import annotations

from nameko.timer import timer

from chassis.db import Database, Work
from chassis.envelope import Received
from chassis.operating import operated
from chassis.providers import DatabaseProvider, SettingsProvider
from chassis.settings import Settings
from chassis.subscribe import subscribe
from services.access.rules.members import OPERATIONS as ABOUT_MEMBERS
from services.access.rules.roles import OPERATIONS
from services.access.rules.sessions import OPERATIONS as ABOUT_SESSIONS
from services.access.service.clients import Clients
from services.access.service.documents import Documents
from services.access.service.members import Members
from services.access.service.sessions import Sessions
from services.access.service.tokens import Tokens
from services.access.usecases import documents as usecases
from services.access.usecases import upkeep

SWEEP_SECONDS = 60


@operated
class AccessService(Documents, Tokens, Clients, Members, Sessions):
    """Who may act for which organisation."""

    name = "access"
    operations = {**OPERATIONS, **ABOUT_MEMBERS, **ABOUT_SESSIONS}
    db: Database = DatabaseProvider()
    settings: Settings = SettingsProvider()

    @subscribe(
        "organisation.registered",
        "organisation.changed",
        "organisation.suspended",
        "organisation.removed",
        "organisation.baseline",
    )
    def keep_organisation(self, work: Work, received: Received) -> None:
        """Keep the local copy of the directory."""
        usecases.keep_organisation(work, received)

    @timer(interval=SWEEP_SECONDS)  # type: ignore[untyped-decorator]  # nameko is untyped
    def sweep(self) -> None:
        """Delete sessions, invitations and counted tries that have ended."""
        upkeep.sweep(self.db)
