"""Where each path goes: read from the committed specification, so that what is documented is what is forwarded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from chassis.http import DEADLINES, allowed_seconds

SPEC = Path(__file__).parent / "spec.json"
METHODS = ("get", "post", "put", "patch", "delete")
OWN = "gateway"
_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Target:
    """One operation of a service, as far as the gateway must know it."""

    service: str
    method: str
    template: str
    public: bool
    limit: int
    deadline: str
    oauth: bool = False

    @property
    def name(self) -> str:
        """Method and template, for logs and metrics."""
        return f"{self.method} {self.template}"

    @property
    def streams(self) -> bool:
        """Whether its answer has no end."""
        return DEADLINES[self.deadline] is None

    def seconds(self, query: str) -> float | None:
        """The time limit of its deadline class for a request with this query string."""
        return allowed_seconds(self.deadline, query)


def read_targets(document: Path = SPEC) -> tuple[Target, ...]:
    """All operations of the specification that belong to a service; none when it is not generated yet."""
    if not document.exists():
        return ()
    specification = orjson.loads(document.read_bytes())
    return tuple(
        _target(path, method, item, item[method])
        for path, item in specification["paths"].items()
        for method in METHODS
        if method in item and item["x-tukiverkko-service"] != OWN
    )


def _target(path: str, method: str, item: Mapping[str, Any], operation: Mapping[str, Any]) -> Target:
    return Target(
        service=item["x-tukiverkko-service"],
        method=method.upper(),
        template=_template(path, operation),
        public=operation.get("security") == [],
        limit=operation["x-tukiverkko-limit"],
        deadline=operation["x-tukiverkko-deadline"],
        oauth=operation.get("x-tukiverkko-errors") == "oauth",
    )


def _template(path: str, operation: Mapping[str, Any]) -> str:
    kinds = {
        given["name"]: _kind(given["schema"]) for given in operation.get("parameters", ()) if given.get("in") == "path"
    }
    return _PLACE.sub(lambda match: f"<{kinds.get(match[1], 'string')}:{match[1]}>", path)


def _kind(schema: Mapping[str, Any]) -> str:
    if schema.get("format") == "uuid":
        return "uuid"
    return "int" if schema.get("type") == "integer" else "string"
