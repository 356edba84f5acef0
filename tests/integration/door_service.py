"""A tiny service behind the real door: python -m tests.integration.door_service [key=value]."""

# ruff: noqa: ARG002, I001 - chassis.launch patches the standard library and must come first
from __future__ import annotations

from chassis import launch

import sys
from collections.abc import Iterator
from typing import Any

import eventlet
from marshmallow import fields, validate

from chassis.errors import Conflict, Unauthenticated, Unavailable
from chassis.http import Response, route
from chassis.identity import Caller
from chassis.requests import Call, Later, Outcome
from chassis.schema import Shape, classified
from chassis.settings import Settings
from tests.integration.door_rig import ORG, SECRET

EXAMPLE = {"name": "Evening group", "places": 8}


class NewGroup(Shape):
    name = classified(fields.String(required=True, validate=validate.Length(1, 50)), "public")
    places = classified(fields.Integer(validate=validate.Range(1, 50), load_default=10), "public")
    tags = classified(fields.List(fields.String(), load_default=list), "public")


class GroupView(Shape):
    id = classified(fields.UUID(required=True), "internal")
    name = classified(fields.String(required=True), "public")
    places = classified(fields.Integer(), "public")


class Filter(Shape):
    limit = classified(fields.Integer(validate=validate.Range(1, 200), load_default=50), "public")
    cursor = classified(fields.String(), "public")


class Patience(Shape):
    wait = classified(fields.Integer(load_default=0), "public")


class Verifier:
    """Takes the words after Bearer as subject and roles."""

    def verify(self, token: str) -> Caller:
        if token == "bad":
            raise Unauthenticated("token.invalid", "The access token is missing, invalid or expired.")
        subject, _, roles = token.partition("|")
        return Caller(subject, ORG, "lt-test", frozenset(roles.split(",")), "t")


class DoorService:
    name = "directory"
    operations = {"group.read": frozenset({"worker"}), "group.create": frozenset({"worker"})}

    @route(
        "POST",
        "/groups",
        operation="group.create",
        summary="Create a group",
        body=NewGroup,
        answers=GroupView,
        status=201,
        changes=True,
        example=EXAMPLE,
    )
    def create(self, call: Call) -> Outcome:
        made = ORG
        return Outcome(value={"id": made, **call.body}, version=1, location=f"/groups/{made}")

    @route("GET", "/groups", operation="group.read", summary="List groups", query=Filter, answers=GroupView, many=True)
    def show_all(self, call: Call) -> Outcome:
        return Outcome(value={"items": [{"id": ORG, "name": "one", "places": call.query["limit"]}], "next": "abc"})

    @route("GET", "/groups/<uuid:group_id>", operation="group.read", summary="Show a group", answers=GroupView)
    def show(self, call: Call) -> Outcome:
        return Outcome(value={"id": call.path["group_id"], "name": "one"}, version=3)

    @route(
        "POST",
        "/groups/<uuid:group_id>/close",
        operation="group.create",
        summary="Close a group",
        changes=True,
        needs_version=True,
    )
    def close(self, call: Call) -> Outcome:
        raise Conflict("group.closed", "The group is closed.", allowed=("reopen",))

    @route("GET", "/seen", operation="seen", summary="Say where a request comes from", public=True)
    def seen(self, call: Call) -> Outcome:
        return Outcome(value={"address": call.client_address})

    @route("GET", "/inside", operation="inside", summary="For our own processes", public=True, internal=True)
    def inside(self, call: Call) -> Outcome:
        return Outcome(value={})

    @route("POST", "/echo", operation="echo", summary="Say what came", public=True, limit=100_000)
    def nothing(self, call: Call) -> Outcome:
        return Outcome(value={"length": len(call.raw)})

    @route(
        "POST",
        "/upload",
        operation="upload",
        summary="Count bytes",
        public=True,
        limit=100_000,
        reads=("application/octet-stream",),
    )
    def upload(self, call: Call) -> Outcome:
        return Outcome(value={"length": len(call.raw)})

    @route("GET", "/ping", operation="ping", summary="Answer", public=True)
    def ping(self, call: Call) -> Outcome:
        return Outcome(value={"pong": True})

    @route("GET", "/fault", operation="fault", summary="Fail", public=True)
    def fault(self, call: Call) -> Outcome:
        raise RuntimeError(SECRET)

    @route("GET", "/away", operation="away", summary="Be away", public=True)
    def away(self, call: Call) -> Outcome:
        raise Unavailable("database.unavailable", "The database is away.", retry_after=7)

    @route("GET", "/evil", operation="evil", summary="Break a header", public=True)
    def evil(self, call: Call) -> Outcome:
        return Outcome(value={}, headers={"X-Note": "a\r\nSet-Cookie: b=c"})

    @route("GET", "/slow/<int:ms>", operation="slow", summary="Take time", public=True)
    def slow(self, call: Call) -> Outcome:
        eventlet.sleep(call.path["ms"] / 1000)
        return Outcome(value={"slept": call.path["ms"]})

    @route(
        "GET",
        "/later",
        operation="later",
        summary="Answer later",
        public=True,
        query=Patience,
        deadline="long_poll",
    )
    def later(self, call: Call) -> Later:
        return Later(lambda: Outcome(value={"waited": True}))

    @route("GET", "/drip", operation="drip", summary="Stream", public=True, raw=True, gives="text/plain")
    def drip(self, call: Call) -> Response:
        return Response(200, [("Content-Type", "text/plain")], _drops(3))

    @route(
        "GET",
        "/feed",
        operation="feed",
        summary="Stream without end",
        public=True,
        raw=True,
        gives="text/event-stream",
        deadline="stream",
    )
    def feed(self, call: Call) -> Response:
        return Response(200, [("Content-Type", "text/event-stream")], _drops(10_000))


def _drops(number: int) -> Iterator[bytes]:
    for index in range(number):
        yield f"data: {index}\n\n".encode()
        eventlet.sleep(0.3)


def main(arguments: list[str]) -> int:
    extra: dict[str, Any] = {"verifier": Verifier()}
    for argument in arguments:
        name, _, value = argument.partition("=")
        extra[name] = float(value) if "." in value else int(value)
    settings = Settings.load()
    plain = launch.configuration
    launch.configuration = lambda name, given: {**plain(name, given), **extra}
    launch.set_up_logging("directory")
    try:
        launch.check_port(settings.host, settings.port_of("directory"), "directory")
    except launch.CannotStart as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return launch.serve(DoorService, settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
