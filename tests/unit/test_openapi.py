"""The document is valid OpenAPI 3.1, says what the door does, and the gateway can route by it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import orjson
import pytest
from marshmallow import fields
from openapi_spec_validator import validate

from chassis.errors import Refused
from chassis.http import plans_of, route
from chassis.openapi import merged
from chassis.requests import Call, Outcome
from chassis.schema import Shape, classified, ecma_pattern
from gateway.routes import Target, read_targets


class View(Shape):
    name = classified(fields.String(required=True), "public")


class NewThing(View):
    pass


class Query(Shape):
    limit = classified(fields.Integer(load_default=5), "public")


class Gone(Refused):
    status = 410
    adds: ClassVar[Mapping[str, Mapping[str, Any]]] = {"oldest": {"type": "integer"}}


class ThingsService:
    name = "directory"

    @route(
        "POST",
        "/things",
        operation="thing.create",
        summary="Make",
        body=NewThing,
        answers=View,
        status=201,
        changes=True,
        example={"name": "a"},
        limit=10,
    )
    def create(self, call: Call) -> Outcome:
        return Outcome(value=call.body)

    @route(
        "GET",
        "/things/<uuid:thing_id>/parts/<int:number>",
        operation="thing.read",
        summary="Show",
        public=True,
        query=Query,
        answers=View,
        deadline="long_poll",
        refuses=(Gone,),
    )
    def show(self, call: Call) -> Outcome:
        return Outcome(value=call.body)

    @route("DELETE", "/things/<thing_key>", operation="thing.remove", summary="Remove", status=204, needs_version=True)
    def remove(self, call: Call) -> Outcome:
        return Outcome(value=call.path)


def document(*services: type) -> Any:
    return orjson.loads(orjson.dumps(merged(services)))


def test_the_document_is_valid() -> None:
    validate(document(ThingsService))


def test_an_operation_says_all_that_the_door_does() -> None:
    create = document(ThingsService)["paths"]["/things"]["post"]
    assert create["operationId"] == "directory.create"
    assert create["security"] == [{"bearer": []}]
    assert create["requestBody"]["content"]["application/json"]["example"] == {"name": "a"}
    assert set(create["responses"]["201"]["headers"]) == {"ETag", "Location"}
    assert {"400", "401", "403", "409", "413", "415", "422", "429", "500", "503", "504"} <= set(create["responses"])
    show = document(ThingsService)["paths"]["/things/{thing_id}/parts/{number}"]["get"]
    assert show["security"] == []
    assert [parameter.get("name") for parameter in show["parameters"][:3]] == ["thing_id", "number", "limit"]


def test_a_refusal_that_only_one_route_has_is_documented_as_a_problem() -> None:
    made = document(ThingsService)
    responses = made["paths"]["/things/{thing_id}/parts/{number}"]["get"]["responses"]
    assert responses["410"] == {"$ref": "#/components/responses/Problem410"}
    schema = made["components"]["responses"]["Problem410"]["content"]["application/problem+json"]["schema"]
    assert schema["allOf"][0] == {"$ref": "#/components/schemas/Problem"}
    assert (schema["allOf"][1]["required"], set(schema["allOf"][1]["properties"])) == (["oldest"], {"oldest"})
    assert "410" not in made["paths"]["/things"]["post"]["responses"]
    assert "Problem410" not in document()["components"]["responses"]


def test_examples_fit_their_schemas() -> None:
    for _, plan in plans_of(ThingsService):
        if plan.body is not None:
            assert plan.body.validate(plan.example) == {}


def test_the_gateway_routes_by_it(tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_bytes(orjson.dumps(merged([ThingsService])))
    assert set(read_targets(path)) == {
        Target("directory", "POST", "/things", public=False, limit=10, deadline="normal"),
        Target(
            "directory",
            "GET",
            "/things/<uuid:thing_id>/parts/<int:number>",
            public=True,
            limit=1 << 20,
            deadline="long_poll",
        ),
        Target("directory", "DELETE", "/things/<string:thing_key>", public=False, limit=1 << 20, deadline="normal"),
    }
    assert read_targets(tmp_path / "absent.json") == ()


def test_one_path_has_one_owner() -> None:
    class Other:
        name = "groups"

        @route("GET", "/things", operation="x", summary="x")
        def show(self, call: Call) -> Outcome:
            return Outcome(value=call.body)

    with pytest.raises(ValueError, match="belongs to directory and groups"):
        merged([ThingsService, Other])


def test_equal_names_of_two_services_stay_apart() -> None:
    def other_view() -> type[Shape]:
        class View(Shape):
            age = classified(fields.Integer(), "public")

        return View

    class Other:
        name = "groups"

        @route("GET", "/others", operation="x", summary="x", answers=other_view())
        def show(self, call: Call) -> Outcome:
            return Outcome(value=call.body)

    made = document(ThingsService, Other)["components"]["schemas"]
    assert set(made["View"]["properties"]) == {"name"}
    assert set(made["GroupsView"]["properties"]) == {"age"}


def test_an_unknown_deadline_class_is_a_programmers_fault() -> None:
    with pytest.raises(ValueError, match="deadline class"):
        route("GET", "/x", operation="x", summary="x", deadline="soon")


def test_patterns_are_put_into_ecmascripts_words() -> None:
    assert ecma_pattern(r"(?s)\A(?=.{1,9}\Z).*\S\.") == r"^(?=[\s\S]{1,9}$)[\s\S]*\S\."
    assert ecma_pattern("^[a-z.]+$") == "^[a-z.]+$"
