"""The committed specification, for tests that ask all of it: operations, examples, documented answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
from jsonschema import Draft202012Validator, FormatChecker

from chassis.http.route import Plan, plans_of
from deploy.generate import service_classes
from tests.support.client import Answer

SPEC: dict[str, Any] = orjson.loads((Path(__file__).parents[2] / "gateway" / "spec.json").read_bytes())
METHODS = ("get", "post", "put", "patch", "delete")
JSON = ("application/json", "application/fhir+json")
_PLACE = re.compile(r"<(?:[a-z]+:)?([a-z0-9_]+)>")


@dataclass(frozen=True)
class Operation:
    """One operation of the specification."""

    method: str
    path: str
    service: str
    about: dict[str, Any]

    @property
    def name(self) -> str:
        """Method and template."""
        return f"{self.method} {self.path}"

    @property
    def public(self) -> bool:
        """Whether no token is needed."""
        return self.about.get("security") == []

    @property
    def operation(self) -> str | None:
        """The row of the rights table; None for the gateway's own pages."""
        return self.about.get("x-tukiverkko-operation")

    @property
    def example(self) -> Any:
        """The example of its body."""
        content = self.about["requestBody"]["content"]
        return next(content[kind] for kind in JSON if kind in content).get("example")

    @property
    def never(self) -> dict[str, str]:
        """Places of the path that fit and lead to nothing."""
        whole = {each["name"] for each in self.parameters if each["schema"].get("type") == "integer"}
        return {place: "1" if place in whole else str(uuid4()) for place in self.places}

    @property
    def has_body(self) -> bool:
        """Whether it takes an object of JSON; files, tables, lists and the one form have tests of their own."""
        content = self.about.get("requestBody", {}).get("content", {})
        return any(kind in content and content[kind].get("schema") for kind in JSON)

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """Its parameters, references resolved."""
        return [resolved(each) for each in self.about.get("parameters", [])]

    @property
    def needs_version(self) -> bool:
        """Whether If-Match is required."""
        return any(each["name"] == "If-Match" for each in self.parameters)

    @property
    def places(self) -> list[str]:
        """The names in its path."""
        return [each["name"] for each in self.parameters if each["in"] == "path"]

    @property
    def success(self) -> int:
        """The documented status of success."""
        return min(int(status) for status in self.about["responses"])

    def check(self, answer: Answer) -> None:
        """Assert that the answer is a documented one and has the documented shape."""
        assert str(answer.status) in self.about["responses"], (self.name, answer.status, answer.raw)
        content = resolved(self.about["responses"][str(answer.status)]).get("content", {})
        kind = answer.kind.partition(";")[0]
        assert not content or kind in content, (self.name, kind)
        schema = content.get(kind, {}).get("schema")
        if schema and kind.endswith("json"):
            faults = [fault.message for fault in validator(schema).iter_errors(answer.body)]
            assert not faults, (self.name, faults)


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """What a local reference leads to."""
    if "$ref" not in part:
        return part
    found: Any = SPEC
    for step in part["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return resolved(found)


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    """A validator in which the specification's own references lead somewhere."""
    root = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "components": SPEC["components"]}
    return Draft202012Validator(root, format_checker=FormatChecker())


def operations() -> Iterator[Operation]:
    """Every operation."""
    for path, item in SPEC["paths"].items():
        for method in METHODS:
            if method in item:
                yield Operation(method.upper(), path, item["x-tukiverkko-service"], item[method])


def named(plan: Plan) -> str:
    """Method and template as the specification writes them."""
    return f"{plan.method} {_PLACE.sub(lambda found: f'{{{found[1]}}}', plan.path)}"


OPERATIONS = {each.name: each for each in operations()}
PLANS = {named(plan): plan for service in service_classes() for _, plan in plans_of(service) if not plan.internal}
"""The plans of the same operations, for tests that ask the schemas themselves."""
