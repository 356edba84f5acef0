"""The house as the design draws it: the same rooms everywhere, every event wired, every field classified."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest
from marshmallow import Schema

from chassis import kinds
from chassis.schema import unclassified
from chassis.settings import SERVICES
from chassis.subscribe import Subscription
from deploy.catalogue import event_types

ROOT = Path(__file__).parents[2]
ROOMS = {"rules", "events", "schemas", "store", "views", "usecases", "service"}
PUBLISHED = {kind.name: kind for kind in event_types()}


def service_class(name: str) -> type:
    found: type = getattr(importlib.import_module(f"services.{name}.service"), f"{name.capitalize()}Service")
    return found


def subscriptions(name: str) -> list[str]:
    methods = inspect.getmembers(service_class(name), inspect.isfunction)
    entrypoints = [point for _, method in methods for point in getattr(method, "nameko_entrypoints", [])]
    return [kind for point in entrypoints if isinstance(point, Subscription) for kind in point.types]


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_has_the_same_rooms_and_no_other(service: str) -> None:
    folder = ROOT / "services" / service
    found = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert found - {"__init__"} == ROOMS
    assert any((folder / "migrations").glob("0001_*.sql"))


@pytest.mark.parametrize("service", SERVICES)
def test_every_subscription_has_a_publisher(service: str) -> None:
    for name in subscriptions(service):
        assert name == "#" or name in PUBLISHED, f"{service} waits for {name}, which nobody publishes"


@pytest.mark.parametrize("service", SERVICES)
def test_each_event_of_a_service_names_its_source(service: str) -> None:
    module = importlib.import_module(f"services.{service}.events")
    for kind in getattr(module, "TYPES", {}).values():
        assert kind.source == service


def test_no_event_can_hold_free_text() -> None:
    allowed = {kind for kind in kinds.Kind if kind.value != "public_names"}
    for kind in PUBLISHED.values():
        text = {name for name, of in kind.data.items() if of not in allowed}
        assert not text or kind.noun in {"organisation", "service"}, f"{kind.name}: {text}"


def test_every_event_stands_on_the_page() -> None:
    page = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    assert PUBLISHED
    for name in PUBLISHED:
        assert f"## {name}\n" in page


@pytest.mark.parametrize("service", SERVICES)
def test_every_field_of_every_shape_has_a_class(service: str) -> None:
    module = importlib.import_module(f"services.{service}.schemas")
    shapes = [s for _, s in inspect.getmembers(module, inspect.isclass) if issubclass(s, Schema)]
    assert {f"{shape.__name__}.{name}" for shape in shapes for name in unclassified(shape)} == set()


@pytest.mark.parametrize("service", SERVICES)
def test_methods_of_a_door_are_short_and_without_a_branch(service: str) -> None:
    for name, method in inspect.getmembers(service_class(service), inspect.isfunction):
        code = [line.strip() for line in inspect.getsource(method).splitlines()]
        body = code[code.index(next(line for line in code if line.startswith("def "))) + 1 :]
        lines = [line for line in body if line and not line.startswith('"""')]
        assert len(lines) <= 5, f"{service}.{name}"
        assert not any(re.match(r"(if|for|while|try)\b", line) for line in lines), f"{service}.{name}"


def test_exchanges_and_queues_are_declared_in_one_place_only() -> None:
    declaring = re.compile(r"\b(Exchange|Queue)\(|exchange_declare|queue_declare")
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in ("chassis", "services", "gateway")
        for path in (ROOT / folder).rglob("*.py")
        if declaring.search(path.read_text(encoding="utf-8"))
    }
    assert found <= {"chassis/topology.py"}


def test_no_file_names_a_session_level_set_of_the_database() -> None:
    for folder in ("chassis", "services", "gateway"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"[\"'](SET )(?!LOCAL)[a-z_]+ ?(=|TO)", text), path
