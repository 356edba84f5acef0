"""Data that fits an event type, field by field, for tests that care about an event's way and not its content."""

from __future__ import annotations

from typing import Any

from chassis.envelope import EventType
from chassis.kinds import Kind

FITTING: dict[Kind, Any] = {
    Kind.ID: "7b1f4f0e-3a52-4c8e-9f60-2f6f6d1c9a10",
    Kind.CODE: "active",
    Kind.TIME: "2026-11-02T09:14:05.000000Z",
    Kind.DATE: "2026-11-02",
    Kind.INTEGER: 1,
    Kind.BOOLEAN: True,
    Kind.CODES: ["standard"],
    Kind.IDS: ["7b1f4f0e-3a52-4c8e-9f60-2f6f6d1c9a10"],
    Kind.AREAS: ["LT"],
    Kind.COUNTRY: "LT",
    Kind.ZONE: "Europe/Vilnius",
    Kind.PUBLIC_NAMES: {"en": "A centre"},
}


def facts(kind: EventType, **values: Any) -> dict[str, Any]:
    """All fields of a type, with `values` in place of the fitting ones."""
    return {**{name: FITTING[of] for name, of in kind.data.items()}, **values}
