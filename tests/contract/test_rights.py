"""The tables of rights against routes, shapes and roles: nothing without a row, no row that means nothing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import orjson
import pytest
from nameko.exceptions import ConfigurationError

from chassis.http import Plan, Route, plans_of
from chassis.policy import ANYBODY, policy_of
from deploy.generate import service_classes
from services.access.rules.roles import ROLES
from services.referrals.rules import rights
from services.referrals.schemas import ReferralView

SERVICES = {kind.__name__: kind for kind in service_classes()}
SPEC = orjson.loads((Path(__file__).parents[2] / "gateway" / "spec.json").read_bytes())


def routes(service: type) -> dict[str, list[Plan]]:
    found: dict[str, list[Plan]] = {}
    for _, plan in plans_of(service):
        found.setdefault(plan.operation, []).append(plan)
    return found


@pytest.mark.parametrize("name", SERVICES)
def test_every_route_has_a_row_or_is_public_on_purpose(name: str) -> None:
    rows = {row.operation for row in policy_of(SERVICES[name]).rows}
    for operation, plans in routes(SERVICES[name]).items():
        assert operation in rows or all(plan.public for plan in plans), operation


@pytest.mark.parametrize("name", SERVICES)
def test_every_row_has_a_route_and_roles_that_exist(name: str) -> None:
    known = routes(SERVICES[name])
    for row in policy_of(SERVICES[name]).rows:
        assert row.operation in known
        assert row.roles == ANYBODY or row.roles <= set(ROLES)


def by_fields(plans: list[Plan]) -> list[Plan]:
    """Without the resources of FHIR: they are made of what the row shows (tests/integration/test_fhir.py)."""
    return [plan for plan in plans if not plan.fhir]


@pytest.mark.parametrize("name", SERVICES)
def test_fields_of_a_row_are_fields_of_the_shapes_and_none_is_promised_and_hidden(name: str) -> None:
    known = routes(SERVICES[name])
    for row in policy_of(SERVICES[name]).rows:
        for plan in by_fields(known[row.operation]):
            if row.shows is not None:
                assert plan.answers is not None
                assert row.shows <= set(plan.answers.dump_fields)
                hidden = set(plan.answers.dump_fields) - row.shows
                assert not {each for each in hidden if plan.answers.dump_fields[each].required}, plan.name
            if row.writes is not None:
                assert plan.body is not None
                assert row.writes <= set(plan.body.load_fields)


@pytest.mark.parametrize("name", SERVICES)
def test_every_field_of_an_answer_is_shown_to_somebody(name: str) -> None:
    """Else a new field would be hidden from all because no row names it."""
    policy, shown = policy_of(SERVICES[name]), dict[type, set[str]]()
    for operation, plans in routes(SERVICES[name]).items():
        for plan in by_fields(plans):
            for row in policy.of(operation):
                fields = set(plan.answers.dump_fields) if plan.answers is not None else set()
                shown.setdefault(type(plan.answers), set()).update(fields if row.shows is None else row.shows)
    for plans in routes(SERVICES[name]).values():
        for plan in by_fields(plans):
            assert plan.answers is None or set(plan.answers.dump_fields) <= shown.get(
                type(plan.answers), set(plan.answers.dump_fields)
            )


def test_the_personal_part_of_the_table_is_what_the_shape_calls_personal() -> None:
    classes = {name: field.metadata["class"] for name, field in ReferralView().dump_fields.items()}
    personal = {name for name, kind in classes.items() if kind in {"sealed", "personal", "offence"}}
    assert personal - rights.PERSONAL == {"handling", "reason_code"}
    assert not personal & rights.METADATA


def test_the_specification_says_roles_and_relations_of_the_table() -> None:
    by_operation = {
        about["x-tukiverkko-operation"]: about
        for item in SPEC["paths"].values()
        for about in item.values()
        if isinstance(about, dict) and "x-tukiverkko-operation" in about
    }
    for kind in SERVICES.values():
        for operation, plans in routes(kind).items():
            rows = policy_of(kind).of(operation)
            if all(plan.public or plan.internal for plan in plans) or not rows:
                continue
            about = by_operation[operation]
            assert set(about["x-tukiverkko-roles"]) == set().union(*(row.roles for row in rows))
            assert set(about.get("x-tukiverkko-relations", [])) == set().union(*(row.relations or () for row in rows))
            assert "403" in about["responses"]


def test_a_service_with_a_route_and_no_row_for_it_does_not_start() -> None:
    class Service:
        operations: ClassVar[dict[str, frozenset[str]]] = {}

    route = Route(Plan(method="GET", path="/x", operation="x.read", summary="X"))
    route.container = SimpleNamespace(service_cls=Service, max_workers=1)
    with pytest.raises(ConfigurationError, match=r"does not say who may x\.read"):
        route.setup()
