"""The events of access; none yet: tokens are nobody's news (members, clients and revocations will be told here)."""

from __future__ import annotations

from chassis.envelope import EventType

TYPES: dict[str, EventType] = {}
