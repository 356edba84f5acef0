"""Writes the files that are made from code, or checks that they are up to date: python -m deploy.generate [--check]."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import orjson

from chassis.openapi import merged
from chassis.settings import SERVICES
from deploy.catalogue import events_page, states_page

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
    return orjson.dumps(merged(service_classes()), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


FILES: dict[str, Callable[[], bytes]] = {
    "gateway/spec.json": specification,
    "docs/events.md": events_page,
    "docs/states.md": states_page,
}
"""Every generated file and what makes it."""


def main(arguments: list[str]) -> int:
    """Write or check all generated files; returns the exit status."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("Use: python -m deploy.generate [--check]\n")
        return 2
    stale = [name for name, make in FILES.items() if _differs(ROOT / name, make(), write=not arguments)]
    if arguments and stale:
        sys.stderr.write(f"Not up to date: {', '.join(stale)}. Run: python -m deploy.generate\n")
        return 1
    return 0


def _differs(path: Path, content: bytes, *, write: bool) -> bool:
    same = path.exists() and path.read_bytes() == content
    if not same and write:
        path.write_bytes(content)
    return not same


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
