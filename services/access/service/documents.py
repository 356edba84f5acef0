"""The public documents of access: keys and metadata."""

from __future__ import annotations

from chassis.http import route
from chassis.requests import Call, Outcome
from chassis.settings import Settings
from services.access.schemas import documents as schemas
from services.access.usecases import documents as usecases


class Documents:
    """What everybody may read before there is a caller."""

    settings: Settings

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
