"""Writes the files that are made from code, or checks that they are up to date: python -m deploy.generate [--check]."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from chassis.openapi import merged
from chassis.settings import SERVICES
from deploy import asyncapi, processing
from deploy.catalogue import event_schemas, event_types, events_page, json_file, states_page
from deploy.clocks_page import clocks_page
from deploy.reasons_page import reasons_page
from deploy.rights_page import rights_page

ROOT = Path(__file__).parent.parent


def service_classes() -> list[type]:
    """The class of every service that is built already."""
    found = []
    for name in SERVICES:
        module = f"services.{name}.service"
        if importlib.util.find_spec(module) is not None:
            found.append(getattr(importlib.import_module(module), f"{name.capitalize()}Service"))
    return found


def specification() -> bytes:
    """The merged OpenAPI document."""
    return json_file(merged(service_classes()))


def partner_events() -> bytes:
    """The AsyncAPI document. It lies beside the specification, because the gateway's image has no docs."""
    return json_file(asyncapi.document(event_types()))


def rights() -> bytes:
    """The page of rights."""
    return rights_page(service_classes())


FILES: dict[str, Callable[[], bytes]] = {
    "gateway/spec.json": specification,
    "gateway/asyncapi.json": partner_events,
    "docs/events.md": events_page,
    "docs/states.md": states_page,
    "docs/rights.md": rights,
    "docs/clocks.md": clocks_page,
    "docs/reasons.md": reasons_page,
    processing.PATH: processing.page,
}
"""Every generated file of a fixed name and what makes it; the schemas of the events come on top."""

SCHEMAS = ("chassis/events/*.json", "services/*/events/*.json")


def main(arguments: list[str]) -> int:
    """Write or check all generated files; returns the exit status."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("Use: python -m deploy.generate [--check]\n")
        return 2
    wanted = {**{name: make() for name, make in FILES.items()}, **event_schemas()}
    stale = [*_stale(ROOT, wanted, write=not arguments), *_left_over(ROOT, wanted, write=not arguments)]
    if arguments and stale:
        sys.stderr.write(f"Not up to date: {', '.join(stale)}. Run: python -m deploy.generate\n")
        return 1
    return 0


def _stale(root: Path, wanted: Mapping[str, bytes], *, write: bool) -> list[str]:
    return [name for name, content in wanted.items() if _differs(root / name, content, write=write)]


def _left_over(root: Path, wanted: Mapping[str, bytes], *, write: bool) -> list[str]:
    """Schemas of types that are no more: whoever reads the folder would take them for promises."""
    found = [path for pattern in SCHEMAS for path in root.glob(pattern)]
    doomed = [path for path in found if path.relative_to(root).as_posix() not in wanted]
    if write:
        for path in doomed:
            path.unlink()
    return [path.relative_to(root).as_posix() for path in doomed]


def _differs(path: Path, content: bytes, *, write: bool) -> bool:
    same = path.exists() and path.read_bytes() == content
    if not same and write:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return not same


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
