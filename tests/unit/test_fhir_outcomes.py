"""Every refusal is an OperationOutcome under /fhir/, with the code of the problem and the place of each fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from chassis import errors, fhir, problems
from chassis.errors import FieldError
from chassis.http.headers import expected_version
from chassis.problems import problem_of
from tests.support.fhir import check

FAULT = FieldError("/contained/0/name/0/text", "required", "This field is needed.")
REFUSALS: list[tuple[errors.Refused, str]] = [
    (errors.Malformed("json.malformed", "x"), "invalid"),
    (errors.Unauthenticated("token.missing", "x"), "login"),
    (errors.NotAllowed("operation.not_allowed", "x"), "forbidden"),
    (errors.NotFound(), "not-found"),
    (errors.Conflict("referral.not_possible", "x"), "conflict"),
    (errors.Stale("referral.stale", "x"), "conflict"),
    (errors.PreconditionRequired("if_match.missing", "x"), "required"),
    (errors.TooManyRequests("limit", "x", retry_after=3), "throttled"),
    (errors.Unavailable("process.starting", "x"), "transient"),
    (errors.Invalid("idempotency_key.reused", "x"), "business-rule"),
    (problems.MethodNotAllowed(("GET",)), "not-supported"),
    (problems.TooLarge(10), "too-long"),
    (problems.WrongMediaType(fhir.READS), "not-supported"),
    (problems.TooSlow(), "timeout"),
    (problems.HeadTooLarge(), "too-long"),
    (problems.DeadlinePassed(), "timeout"),
]


def said(error: errors.Refused, path: str = "/fhir/ServiceRequest") -> tuple[Any, problems.Problem]:
    problem = fhir.outcome_of(error, path)
    return orjson.loads(problem.body), problem


@pytest.mark.parametrize(("error", "kind"), REFUSALS, ids=lambda each: getattr(each, "code", None))
def test_each_refusal_is_valid_and_has_the_status_and_headers_of_the_problem(
    shared: Path, error: errors.Refused, kind: str
) -> None:
    outcome, problem = said(error)
    check(shared, outcome)
    (issue,) = outcome["issue"]
    assert (issue["severity"], issue["code"]) == ("error", kind)
    assert issue["details"]["coding"] == [{"system": "urn:tukiverkko:problem", "code": error.code}]
    plain = problem_of(error, "r")
    assert problem.status == plain.status
    assert problem.headers[1:] == plain.headers[1:]
    assert problem.headers[0] == ("Content-Type", "application/fhir+json")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("required", "required"),
        ("null", "required"),
        ("unknown", "structure"),
        ("type", "structure"),
        ("choice", "code-invalid"),
        ("length", "value"),
        ("not_supported", "not-supported"),
        ("text.blank", "invalid"),
    ],
)
def test_each_fault_has_an_issue_of_its_own_with_its_place(shared: Path, code: str, kind: str) -> None:
    faults = (FieldError(FAULT.pointer, code, "x"), FieldError("/status", "required", "y"))
    outcome, _ = said(errors.Invalid("body.invalid", "x", fields=faults))
    check(shared, outcome)
    first, second = outcome["issue"]
    assert (first["code"], first["expression"]) == (kind, ["ServiceRequest.contained[0].name[0].text"])
    assert second["expression"] == ["ServiceRequest.status"]


def test_what_a_rule_refuses_is_a_business_rule() -> None:
    fault = FieldError("/priority", "service.urgency_not_covered", "x")
    outcome, _ = said(errors.Invalid("service.urgency_not_covered", "x", fields=(fault,)))
    assert outcome["issue"][0]["code"] == "business-rule"


def test_a_conflict_says_what_is_possible(shared: Path) -> None:
    outcome, _ = said(errors.Conflict("referral.not_possible", "x", allowed=("accept", "decline")))
    check(shared, outcome)
    assert [each["code"] for each in outcome["issue"][1]["details"]["coding"]] == ["accept", "decline"]


def test_a_fault_of_the_query_is_told_by_its_parameter(shared: Path) -> None:
    outcome, _ = said(problems.BadQuery((FieldError("/_count", "range", "x"),)), "/fhir/Task")
    check(shared, outcome)
    assert outcome["issue"][0]["location"] == ["http._count"]


def test_a_fault_of_ours_says_nothing_else(shared: Path) -> None:
    outcome = orjson.loads(fhir.outcome_of_fault().body)
    check(shared, outcome)
    assert outcome["issue"][0]["severity"] == "fatal"


@pytest.mark.parametrize(
    ("pointer", "expression"),
    [
        ("", "Task"),
        ("/status", "Task.status"),
        ("/input/12/valueString", "Task.input[12].valueString"),
        ("/_status", "Task._status"),
        ("/", "Task.``"),
        ("/a b", "Task.`a b`"),
        ("/a`b\\", "Task.`a\\`b\\\\`"),
        ("/a~1b~0c", "Task.`a/b~c`"),
        ("/a\nb", "Task.`a?b`"),
    ],
)
def test_places_as_fhirpath(pointer: str, expression: str) -> None:
    assert fhir.expression_of(pointer, "Task") == expression


def test_it_is_spoken_under_fhir_only() -> None:
    assert fhir.spoken_at("/fhir/Task")
    assert not fhir.spoken_at("/fhirs")
    assert not fhir.spoken_at("/referrals/fhir/")


@pytest.mark.parametrize("tag", ['W/"3"', '"3"'])
def test_a_weak_tag_is_a_version_where_fhir_is_spoken(tag: str) -> None:
    assert expected_version(tag, weak=True) == 3
    if tag.startswith("W/"):
        with pytest.raises(errors.Stale):
            expected_version(tag)
