"""Shapes of access, in and out."""

from services.access.schemas.clients import (
    ClientQuery,
    ClientView,
    ClientWithSecret,
    CredentialView,
    NewClient,
    RevokeClient,
    RotateClient,
)
from services.access.schemas.documents import Key, KeySetView, ServerMetadata
from services.access.schemas.tokens import StandingView, TokenRequest, TokenView

__all__ = [
    "ClientQuery",
    "ClientView",
    "ClientWithSecret",
    "CredentialView",
    "Key",
    "KeySetView",
    "NewClient",
    "RevokeClient",
    "RotateClient",
    "ServerMetadata",
    "StandingView",
    "TokenRequest",
    "TokenView",
]
