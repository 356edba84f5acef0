"""The pages docs/events.md and docs/states.md, made from the event types and the lifecycle tables."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

import orjson

from chassis import republish
from chassis.contracts import FOLDER, file_name
from chassis.envelope import EventType
from chassis.settings import SERVICES
from deploy import examples
from deploy.asyncapi import ENVELOPE, OUTSIDE
from services.referrals.rules.lifecycle import BOTH_KINDS, CLOSED, FINAL, LIFECYCLE, SENDER, STATES

HEAD = "<!-- Made by `make generate`; do not edit. -->\n"


def event_types() -> list[EventType]:
    """Every event type of every service and of the chassis, by name."""
    modules = [republish, *(importlib.import_module(f"services.{name}.events") for name in SERVICES)]
    found = [kind for module in modules for kind in vars(module).get("TYPES", {}).values()]
    return sorted(found, key=lambda kind: (kind.name, kind.version))


def schema_path(kind: EventType) -> str:
    """Where the JSON Schema of a type lies: beside its publisher."""
    folder = "chassis" if kind.source == "chassis" else f"services/{kind.source}"
    return f"{folder}/{FOLDER}/{file_name(kind.name, kind.version)}"


def event_schemas() -> dict[str, bytes]:
    """The JSON Schema of every event type, by path."""
    return {schema_path(kind): json_file(kind.json_schema()) for kind in event_types()}


def json_file(document: Any) -> bytes:
    """A document as it is committed."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


INTRODUCTION = """\
CloudEvents 1.0, structured JSON. `data` holds ids, codes, times, numbers and public names of organisations and
services; never a name, a contact or free text about a person. How to receive them: [subscribe](subscribe/README.md).
For machines: [asyncapi.json](../gateway/asyncapi.json) (AsyncAPI 3, served by the gateway at `/asyncapi.json`) and one
JSON Schema for each type, linked below. Within a version fields are only added: ignore those you do not know.
"""
BASELINES = """\
## Baselines

Every object counts its events: `sequence` is 1, 2, 3 … without a gap. Where steps are no longer kept and somebody
missed them, a `….baseline` event takes their place: the state as it stands, with the sequence of the last step in it.
Take it as the truth up to that sequence and go on with the next; one that is not newer than what you have changes
nothing.
"""


def events_page() -> bytes:
    """docs/events.md: what each event says, and who gets it."""
    kinds = event_types()
    parts = [HEAD, "# Events\n", INTRODUCTION, *_envelope(kinds), BASELINES]
    for kind in kinds:
        parts += _type(kind)
    return "\n".join(parts).encode("utf-8")


def _envelope(kinds: list[EventType]) -> list[str]:
    rows = [
        (f"`{name}`", str(rule["description"]).replace(" Only outside.", ""), "outside" if name in OUTSIDE else "yes")
        for name, rule in ENVELOPE.items()
    ]
    (shown,) = (kind for kind in kinds if kind.name == "referral.accepted")
    body = orjson.dumps(orjson.loads(examples.outside(shown)), option=orjson.OPT_INDENT_2).decode("utf-8")
    table = _table(("field", "meaning", "always there"), rows)
    return ["## The envelope\n", *table, "As a partner gets it:\n", f"```json\n{body}\n```\n"]


def _type(kind: EventType) -> list[str]:
    body = orjson.dumps(examples.data_of(kind)).decode("utf-8")
    return [
        f"## {kind.name}\n",
        f"{kind.summary} From {_publisher(kind)}, version {kind.version}, [schema](../{schema_path(kind)}).\n",
        f"Audience: {kind.audience}\n",
        *_table(("field", "kind", "always there"), _fields(kind)),
        f"```json\n{body}\n```\n",
    ]


def _publisher(kind: EventType) -> str:
    return "every service" if kind.source == "chassis" else f"`/services/{kind.source}`"


def states_page() -> bytes:
    """docs/states.md: the lifecycle of a referral, from the table that the rules read."""
    rows = [("T01", "create", "→ draft", SENDER, "both"), *_transitions()]
    diagram = [f"    {edge.source} --> {edge.target}: {edge.name}" for edge in LIFECYCLE]
    ends = [f"    {state} --> [*]" for state in STATES if state in FINAL]
    return "\n".join(
        [
            HEAD,
            "# States of a referral\n",
            "States: " + ", ".join(STATES) + ".\n",
            "Final: " + ", ".join(s for s in STATES if s in FINAL) + ".\n",
            f"A sender who may not know how it ended sees `{CLOSED}`; no leg is ever in that state.\n",
            *_table(("id", "action", "from → to", "who", "kinds"), rows),
            "```mermaid",
            "stateDiagram-v2",
            "    [*] --> draft: create",
            *diagram,
            *ends,
            "```",
            "",
        ]
    ).encode("utf-8")


def _transitions() -> list[tuple[str, ...]]:
    """One line for each transition and target: all the states that it leads from."""
    found: dict[tuple[str, ...], list[str]] = {}
    for edge in LIFECYCLE:
        kinds = "both" if edge.kinds == BOTH_KINDS else ", ".join(sorted(edge.kinds))
        key = (edge.id, edge.name, edge.target, ", ".join(sorted(edge.actors)), kinds)
        found.setdefault(key, []).append(edge.source)
    return [(i, name, f"{', '.join(at)} → {to}", who, kinds) for (i, name, to, who, kinds), at in found.items()]


def _fields(kind: EventType) -> Iterable[tuple[str, ...]]:
    return ((name, of.value, "no" if name in kind.optional else "yes") for name, of in kind.data.items())


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [head, tuple("---" for _ in head), *rows]
    return [*("| " + " | ".join(line) + " |" for line in lines), ""]
