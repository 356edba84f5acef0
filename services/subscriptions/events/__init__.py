"""The events of subscriptions; none of its own: it hands on what others told, with the same id, under a position."""

from __future__ import annotations

from chassis.envelope import EventType

TYPES: dict[str, EventType] = {}
