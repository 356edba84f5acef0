"""The clients of an organisation, for its administrator."""

from __future__ import annotations

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.access.schemas import clients as schemas
from services.access.usecases import clients as usecases

KIB = 1024


class Clients:
    """Systems that ask for tokens by themselves."""

    db: Database

    @route(
        "GET",
        "/access/clients",
        operation="client.list",
        query=schemas.ClientQuery,
        answers=schemas.ClientView,
        many=True,
        summary="The clients of my organisation, newest first",
    )
    def list_clients(self, call: Call) -> Outcome:
        """List the clients."""
        return usecases.list_clients(self.db, call)

    @route(
        "POST",
        "/access/clients",
        operation="client.create",
        body=schemas.NewClient,
        answers=schemas.ClientWithSecret,
        status=201,
        changes=True,
        limit=32 * KIB,
        example=schemas.NEW_CLIENT_EXAMPLE,
        summary="Register a client; a secret is shown once",
        description="A repeat with the same Idempotency-Key shows the client without its secret, which is not stored.",
    )
    def create_client(self, call: Call) -> Outcome:
        """Register a client."""
        return usecases.create_client(self.db, call)

    @route(
        "GET",
        "/access/clients/<uuid:client_id>",
        operation="client.show",
        answers=schemas.ClientView,
        summary="One client of my organisation",
    )
    def show_client(self, call: Call) -> Outcome:
        """Show a client."""
        return usecases.show_client(self.db, call)

    @route(
        "POST",
        "/access/clients/<uuid:client_id>/rotate",
        operation="client.rotate",
        body=schemas.RotateClient,
        answers=schemas.ClientWithSecret,
        changes=True,
        needs_version=True,
        limit=32 * KIB,
        example=schemas.ROTATE_EXAMPLE,
        summary="Give a client another secret or key; the old one lives on for a while",
    )
    def rotate_client(self, call: Call) -> Outcome:
        """Rotate a client's credentials."""
        return usecases.rotate_client(self.db, call)

    @route(
        "POST",
        "/access/clients/<uuid:client_id>/revoke",
        operation="client.revoke",
        body=schemas.RevokeClient,
        answers=schemas.ClientView,
        changes=True,
        needs_version=True,
        example={},
        summary="End a client for good; its tokens end within five seconds",
    )
    def revoke_client(self, call: Call) -> Outcome:
        """Revoke a client."""
        return usecases.revoke_client(self.db, call)
