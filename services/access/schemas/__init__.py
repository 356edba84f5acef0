"""Shapes of access, in and out."""

from services.access.schemas.documents import Key, KeySetView, ServerMetadata

__all__ = ["Key", "KeySetView", "ServerMetadata"]
