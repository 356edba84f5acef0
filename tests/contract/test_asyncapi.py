"""The AsyncAPI document: valid by the official schema, whole, and its examples are what it says."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from deploy.catalogue import event_types
from gateway.pages import EVENTS, own_pages
from tests.support.events import FORMATS, faults_of

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "asyncapi"
OFFICIAL = FOLDER / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0.json"
MISSING = "The schema of AsyncAPI is not installed: install npm (Debian: apt install npm), then run `make setup-dev`."
Document = dict[str, Any]


@pytest.fixture(scope="module")
def official() -> Draft7Validator:
    if not OFFICIAL.is_file():
        pytest.fail(MISSING)
    return Draft7Validator(json.loads(OFFICIAL.read_bytes()))


@pytest.fixture
def document() -> Document:
    found: Document = json.loads(EVENTS.read_bytes())
    return found


def at(document: Document, *path: str) -> Document:
    for name in path:
        document = document[name]
    return document


def first_message(document: Document) -> Document:
    message: Document = next(iter(document["components"]["messages"].values()))
    return message


def test_the_document_is_valid(official: Draft7Validator, document: Document) -> None:
    assert document["asyncapi"] == "3.0.0"
    assert [f"{list(error.path)}: {error.message[:200]}" for error in official.iter_errors(document)] == []


BREAKS: dict[str, Callable[[Document], object]] = {
    "no version": lambda d: d.pop("asyncapi"),
    "no title": lambda d: d["info"].pop("title"),
    "no host": lambda d: d["servers"]["broker"].pop("host"),
    "an action of version 2": lambda d: d["operations"]["receive"].update(action="subscribe"),
    "an operation without a channel": lambda d: d["operations"]["receive"].pop("channel"),
    "a binding of no kind": lambda d: at(d, "channels", "queue", "bindings", "amqp").update({"is": "stream"}),
    "an exchange of no kind": lambda d: at(d, "channels", "partners", "bindings", "amqp", "exchange").update(type="x"),
    "a security scheme of no kind": lambda d: d["components"]["securitySchemes"]["grant"].update(type="password"),
    "a message with a word of its own": lambda d: first_message(d).update(audience="network"),
    "a schema of no type": lambda d: d["components"]["schemas"]["envelope"].update(type="thing"),
    "a message key with a space": lambda d: d["channels"].update({"a queue": {"address": 1}}),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_document_is_refused(official: Draft7Validator, document: Document, name: str) -> None:
    BREAKS[name](document)
    assert not official.is_valid(document)


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for each in node.values():
            yield from references(each)
    if isinstance(node, list):
        for each in node:
            yield from references(each)


def unresolved(document: Document) -> list[str]:
    found = []
    for reference in set(references(document)):
        try:
            at(document, *reference.removeprefix("#/").split("/"))
        except KeyError:
            found.append(reference)
    return found


def test_every_reference_leads_somewhere_and_the_check_can_fail(document: Document) -> None:
    assert unresolved(document) == []
    del document["components"]["messages"]["referral.sent.v1"]
    assert unresolved(document) == ["#/components/messages/referral.sent.v1"]


def misfits(document: Document) -> list[str]:
    """Messages whose example is not what their payload says."""
    found = []
    for name, message in document["components"]["messages"].items():
        payload = {**message["payload"], "components": document["components"]}
        judge = Draft7Validator(payload, format_checker=FORMATS)
        found += [name for example in message["examples"] if not judge.is_valid(example["payload"])]
    return found


def test_each_example_is_an_event_by_this_document_and_by_the_committed_schema(document: Document) -> None:
    assert misfits(document) == []
    for message in document["components"]["messages"].values():
        for example in message["examples"]:
            assert faults_of(json.dumps(example["payload"]).encode(), outside=True) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("type", "eu.tukiverkko.referral.sent.v1"), ("position", 0), ("stream", "all"), ("time", "now"), ("name", "x")],
)
def test_an_example_that_is_none_is_found(document: Document, field: str, value: object) -> None:
    message = document["components"]["messages"]["referral.accepted.v1"]
    broken = copy.deepcopy(message["examples"][0])
    broken["payload"][field] = value
    message["examples"].append(broken)
    assert misfits(document) == ["referral.accepted.v1"]


def test_it_tells_of_every_event_that_a_partner_can_get_and_of_no_other(document: Document) -> None:
    told = {f"{kind.name}.v{kind.version}" for kind in event_types() if kind.source != "chassis"}
    assert set(document["components"]["messages"]) == told
    assert set(document["channels"]["queue"]["messages"]) == told
    assert len(document["operations"]["receive"]["messages"]) == len(told)


def test_it_names_no_real_host(document: Document) -> None:
    assert document["servers"]["broker"]["host"] == "{host}:{port}"
    hosts = re.findall(r"[a-z]+://([^/\"]+)", EVENTS.read_text(encoding="utf-8"))
    assert hosts == []


def test_the_gateway_gives_it_to_everybody() -> None:
    assert "/asyncapi.json" in own_pages(ROOT / "gateway" / "spec.json")
    specification = json.loads((ROOT / "gateway" / "spec.json").read_bytes())
    assert specification["paths"]["/asyncapi.json"]["get"]["security"] == []


def test_the_package_is_pinned_by_version_and_hash_and_names_no_host() -> None:
    wanted = json.loads((FOLDER / "package.json").read_bytes())["devDependencies"]
    lock = json.loads((FOLDER / "package-lock.json").read_bytes())["packages"]
    assert set(wanted) == {"@asyncapi/specs"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", wanted["@asyncapi/specs"])
    installed = {name: entry for name, entry in lock.items() if name}
    assert installed["node_modules/@asyncapi/specs"]["version"] == wanted["@asyncapi/specs"]
    assert all(entry["integrity"].startswith("sha512-") and "resolved" not in entry for entry in installed.values())
    assert not re.search(r"https?:", (FOLDER / "package-lock.json").read_text(encoding="utf-8"))
