"""The pages docs/events.md and docs/states.md, made from the event types and the lifecycle tables."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

from chassis.envelope import EventType
from chassis.settings import SERVICES
from services.referrals.rules.lifecycle import FINAL, LIFECYCLE, STATES

HEAD = "<!-- Made by `make generate`; do not edit. -->\n"


def event_types() -> list[EventType]:
    """Every event type of every service, by name."""
    found = [
        kind
        for name in SERVICES
        for kind in vars(importlib.import_module(f"services.{name}.events")).get("TYPES", {}).values()
    ]
    return sorted(found, key=lambda kind: (kind.name, kind.version))


def events_page() -> bytes:
    """docs/events.md: what each event says, and who gets it."""
    parts = [
        HEAD,
        "# Events\n",
        "CloudEvents 1.0, structured JSON. `data` holds ids, codes, times and public names of organisations only.",
        "How to read them: [subscribe](subscribe/README.md).\n",
    ]
    for kind in event_types():
        parts += [f"## {kind.name}\n", f"{kind.summary} From `/services/{kind.source}`, version {kind.version}.\n"]
        parts += [f"Audience: {kind.audience}\n", *_table(("field", "kind", "always there"), _fields(kind))]
    return "\n".join(parts).encode("utf-8")


def states_page() -> bytes:
    """docs/states.md: the lifecycle of a referral as it is built today."""
    used = {edge.source for edge in LIFECYCLE} | {edge.target for edge in LIFECYCLE}
    rows = [
        (e.id, e.name, f"{e.source} → {e.target}", ", ".join(sorted(e.actors)), ", ".join(sorted(e.kinds)))
        for e in LIFECYCLE
    ]
    diagram = [f"    {edge.source} --> {edge.target}: {edge.name}" for edge in LIFECYCLE]
    return "\n".join(
        [
            HEAD,
            "# States of a referral\n",
            "States that transitions reach today: " + ", ".join(s for s in STATES if s in used) + ".",
            "Final: " + ", ".join(s for s in STATES if s in used & FINAL) + ".\n",
            *_table(("id", "action", "from → to", "who", "kinds"), rows),
            "```mermaid",
            "stateDiagram-v2",
            *diagram,
            "```",
            "",
        ]
    ).encode("utf-8")


def _fields(kind: EventType) -> Iterable[tuple[str, ...]]:
    return ((name, of.value, "no" if name in kind.optional else "yes") for name, of in kind.data.items())


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [head, tuple("---" for _ in head), *rows]
    return [*("| " + " | ".join(line) + " |" for line in lines), ""]
