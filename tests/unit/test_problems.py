"""Every refusal has one form outside, and the pieces the door is made of keep their word."""

from __future__ import annotations

import logging

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError, fields, validate

from chassis import errors, problems
from chassis.errors import FieldError
from chassis.schema import Fault, Shape, classified, field_errors, unclassified
from chassis.tracing import DropAnswered, JsonFormatter, accept_trace


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.Malformed("a.b", "x"), 400),
        (errors.Unauthenticated("a.b", "x"), 401),
        (errors.NotAllowed("a.b", "x"), 403),
        (errors.NotFound(), 404),
        (errors.Conflict("a.b", "x", allowed=("accept",)), 409),
        (errors.Stale("a.b", "x"), 412),
        (errors.Invalid("a.b", "x", fields=(FieldError("/a", "required", "y"),)), 422),
        (errors.PreconditionRequired("a.b", "x"), 428),
        (errors.TooManyRequests("a.b", "x", retry_after=9), 429),
        (errors.Unavailable("a.b", "x"), 503),
        (problems.MethodNotAllowed(("GET",)), 405),
        (problems.TooLarge(5), 413),
        (problems.DeadlinePassed(), 504),
    ],
)
def test_each_refusal_is_a_problem(error: errors.Refused, status: int) -> None:
    problem = problems.problem_of(error, "r-1")
    body = orjson.loads(problem.body)
    headers = dict(problem.headers)
    assert problem.status == body["status"] == status
    assert body["instance"] == "r-1"
    assert body["type"] == f"urn:tukiverkko:problem:{body['code']}"
    assert ("Retry-After" in headers) == (status in {429, 503})
    assert ("WWW-Authenticate" in headers) == (status == 401)
    assert ("Allow" in headers) == (status == 405)
    assert ("allowed_actions" in body) == (status == 409)
    assert ("errors" in body) == (status == 422)


def test_absent_and_out_of_scope_look_the_same() -> None:
    assert problems.problem_of(errors.NotFound(), "r") == problems.problem_of(problems.unknown_path(), "r")


def test_members_of_a_refusals_own_are_added() -> None:
    error = errors.Malformed("a.b", "x")
    error.members = {"oldest": 7}  # type: ignore[attr-defined]
    assert orjson.loads(problems.problem_of(error, "r").body)["oldest"] == 7


class Inner(Shape):
    name = classified(fields.String(required=True), "public")
    bare = fields.String()


class Outer(Shape):
    inner = classified(fields.List(fields.Nested(Inner)), "public")
    size = classified(fields.Integer(validate=validate.Range(1, 3)), "internal")
    own = fields.String(validate=lambda _value: _refuse())


def _refuse() -> None:
    raise ValidationError(Fault("phone.unreadable", "Write + and the country code."))


def test_faults_of_nested_fields_have_pointers_and_codes() -> None:
    with pytest.raises(ValidationError) as caught:
        Outer().load({"inner": [{}, {"name": "a", "x~y": 1}], "size": 9, "own": "b"})
    found = {(fault.pointer, fault.code) for fault in field_errors(caught.value, Outer())}
    assert found == {
        ("/inner/0/name", "required"),
        ("/inner/1/x~0y", "unknown"),
        ("/size", "range"),
        ("/own", "phone.unreadable"),
    }


def test_unclassified_fields_are_found_in_nested_shapes() -> None:
    assert unclassified(Outer) == ("inner.bare", "own")


def test_only_known_classes() -> None:
    with pytest.raises(ValueError, match="is no class"):
        classified(fields.String(), "secret")


@given(st.text(max_size=80))
def test_any_trace_header_gives_a_sound_one(header: str) -> None:
    made = accept_trace(header)
    assert len(made) == 55
    assert accept_trace(made)[3:35] == made[3:35]


def test_log_lines_hold_no_values_of_foreign_messages_and_no_exception_text() -> None:
    try:
        raise ValueError("Kari")
    except ValueError as error:
        record = logging.LogRecord("psycopg", logging.ERROR, "f", 1, "bad row %s", ("Kari",), (ValueError, error, None))
    record.name_of_man = "Kari"
    line = JsonFormatter().format(record)
    assert "Kari" not in line
    assert orjson.loads(line)["event"] == "bad row %s"
    assert orjson.loads(line)["fault"] == "ValueError"


def test_only_reports_about_the_doors_workers_are_dropped() -> None:
    class Entrypoint:
        answers_for_itself = True

    class Context:
        entrypoint = Entrypoint()

    other = logging.LogRecord("nameko.containers", logging.ERROR, "f", 1, "x %s", ("timer",), None)
    door = logging.LogRecord("nameko.containers", logging.ERROR, "f", 1, "x %s %s", (Context(), "y"), None)
    assert DropAnswered().filter(other)
    assert not DropAnswered().filter(door)
