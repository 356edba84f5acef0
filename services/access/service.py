"""The door of access: the public documents and the copy of the directory."""

from __future__ import annotations

from chassis.db import Database, Work
from chassis.envelope import Received
from chassis.http import route
from chassis.operating import operated
from chassis.providers import DatabaseProvider, SettingsProvider
from chassis.requests import Call, Outcome
from chassis.settings import Settings
from chassis.subscribe import subscribe
from services.access import schemas, usecases
from services.access.rules import OPERATIONS


@operated
class AccessService:
    """Who may act for which organisation."""

    name = "access"
    operations = OPERATIONS
    db: Database = DatabaseProvider()
    settings: Settings = SettingsProvider()

    @route(
        "GET",
        "/.well-known/jwks.json",
        operation="access.keys",
        public=True,
        answers=schemas.KeySetView,
        gives="application/jwk-set+json",
        summary="The public keys of access tokens",
    )
    def keys(self, call: Call) -> Outcome:  # noqa: ARG002 - the same for everybody
        """Show the key set."""
        return usecases.public_keys(self.settings)

    @route(
        "GET",
        "/.well-known/oauth-authorization-server",
        operation="access.metadata",
        public=True,
        answers=schemas.ServerMetadata,
        summary="What this authorisation server offers",
    )
    def metadata(self, call: Call) -> Outcome:  # noqa: ARG002 - the same for everybody
        """Show the metadata."""
        return usecases.server_metadata(self.settings)

    @subscribe("organisation.registered", "organisation.changed", "organisation.baseline")
    def keep_organisation(self, work: Work, received: Received) -> None:
        """Keep the local copy of the directory."""
        usecases.keep_organisation(work, received)
