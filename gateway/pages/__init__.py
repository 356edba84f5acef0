"""The gateway's pages: specifications, and plain HTML without scripts, cookies or anything from elsewhere."""

from __future__ import annotations

from gateway.pages.documents import EVENTS, own_pages

__all__ = ["EVENTS", "own_pages"]
