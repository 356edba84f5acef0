"""A Task becomes the transition that was meant, with all that it is told, or is refused by the place of the fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from chassis.errors import Invalid
from services.referrals.rules import fhir, fhir_steps, lifecycle
from services.referrals.rules.lifecycle import LIFECYCLE, RECEIVER, SENDER
from services.referrals.schemas.fhir_task import TASK_EXAMPLE, NewTask
from services.referrals.schemas.transitions import EXAMPLES, SHAPES
from services.referrals.usecases.fhir import details_of, loaded
from tests.support.fhir import business, check, typed, value_of
from tests.unit.test_fhir_mapping import ID, seen
from tests.unit.test_fhir_reading import faults, performer


def asked(status: str, **more: Any) -> dict[str, Any]:
    """A Task as the shape reads it."""
    sent = {**TASK_EXAMPLE, "focus": {"reference": f"ServiceRequest/{ID}"}, "status": status, **more}
    loaded: dict[str, Any] = NewTask().load(sent)
    return loaded


EDGES = [
    (edge, side) for edge in LIFECYCLE for side in (SENDER, RECEIVER) if side in edge.actors and edge.source != "draft"
]


@pytest.mark.parametrize(("edge", "side"), EDGES, ids=[f"{e.name}-{e.source}-{e.target}-{s}" for e, s in EDGES])
def test_every_transition_can_be_asked_for(edge: lifecycle.Edge, side: str) -> None:
    """By its name always; by the state alone it is one that leads from here to there for this side."""
    now = seen(edge.source, side)
    status = fhir.STATES[edge.target].task
    named = [{"url": fhir.ACTION, "valueCode": edge.name}]
    assert fhir_steps.step(asked(status, extension=named, businessStatus=business(edge.target)), now) == edge.name
    found = fhir_steps.step(asked(status, businessStatus=business(edge.target)), now)
    if edge.source == edge.target:
        assert found is None
        return
    same = [e for e in LIFECYCLE if e.name == found and (e.source, e.target) == (edge.source, edge.target)]
    assert same
    assert side in same[0].actors


@pytest.mark.parametrize(
    ("side", "state", "status", "action"),
    [
        (RECEIVER, "sent", "received", "acknowledge"),
        (RECEIVER, "sent", "accepted", "accept"),
        (RECEIVER, "assessing", "rejected", "decline"),
        (RECEIVER, "waitlisted", "in-progress", "start"),
        (RECEIVER, "in_progress", "completed", "complete"),
        (RECEIVER, "in_progress", "failed", "end"),
        (RECEIVER, "accepted", "on-hold", "hold"),
        (RECEIVER, "accepted", "received", "undo_decision"),
        (SENDER, "info_requested", "received", "provide_info"),
        (SENDER, "sent", "cancelled", "withdraw"),
        (SENDER, "expired", "requested", "revive"),
        (SENDER, "sent", "entered-in-error", "mark_error"),
        (SENDER, "received", "accepted", "accept"),  # not his: refused when it is taken
        (SENDER, "completed", "requested", "revive"),  # not possible: refused when it is taken
    ],
)
def test_a_status_alone_means_what_is_usual(side: str, state: str, status: str, action: str) -> None:
    assert fhir_steps.step(asked(status), seen(state, side)) == action


def test_a_task_that_is_sent_back_as_it_was_read_with_another_status_works() -> None:
    now = seen("sent", RECEIVER)
    whole = orjson.loads(orjson.dumps(fhir.task(now)))
    assert fhir_steps.step(NewTask().load(whole), now) is None
    assert fhir_steps.step(NewTask().load({**whole, "status": "received"}), now) == "acknowledge"


@pytest.mark.parametrize("status", ["requested", "cancelled", "draft", "received"])
def test_a_draft_is_not_moved_by_its_task(status: str) -> None:
    with pytest.raises(Invalid) as refused:
        fhir_steps.step(asked(status), seen("draft", SENDER))
    assert refused.value.fields[0].code == "task.draft"


BAD_TASKS: dict[str, tuple[dict[str, Any], str, str]] = {
    "another owner": ({"owner": performer("lt-kapvc")}, "Task.owner", "not_supported"),
    "another requester": ({"requester": performer("lt-kapvc")}, "Task.requester", "not_supported"),
    "another priority": ({"priority": "stat"}, "Task.priority", "not_supported"),
    "another code": ({"code": {"text": "x"}}, "Task.code", "not_supported"),
    "another time": ({"authoredOn": "2020-01-01"}, "Task.authoredOn", "not_supported"),
    "a state of another status": ({"businessStatus": business("completed")}, "Task.businessStatus", "task.status"),
    "a state that nobody reaches": (
        {"status": "completed", "businessStatus": business("closed")}, "Task.status", "task.status"),
    "back to a draft": ({"status": "draft"}, "Task.status", "task.status"),
    "a transition that leads elsewhere": (
        {"extension": [{"url": fhir.ACTION, "valueCode": "decline"}]}, "Task.extension", "task.action"),
    "an unknown transition": (
        {"extension": [{"url": fhir.ACTION, "valueCode": "explode"}]}, "Task.extension[0].valueCode", "choice"),
    "an unknown status": ({"status": "ready"}, "Task.status", "choice"),
    "an unknown state": ({"businessStatus": business("x")}, "Task.businessStatus.coding[0].code", "choice"),
    "a focus elsewhere": ({"focus": {"reference": "Task/1"}}, "Task.focus.reference", "pattern"),
    "no focus": ({"focus": None}, "Task.focus", "null"),
    "an unknown element": ({"for": {"reference": "Patient/1"}}, "Task.for", "unknown"),
    "an output": ({"output": []}, "Task.output", "unknown"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_TASKS)
def test_a_bad_task_is_refused_by_its_place(case: str) -> None:
    changes, expression, code = BAD_TASKS[case]
    now = seen("sent", RECEIVER)

    def act() -> None:
        fhir_steps.step(asked(**{"status": "received", **changes}), now)

    assert faults(act, NewTask(), "Task") == {(expression, code)}


@pytest.mark.parametrize("action", SHAPES)
def test_whatever_a_transition_is_told_can_be_said_in_a_task(shared: Path, action: str) -> None:
    example = EXAMPLES[action]
    sent = asked("received", input=[part for name, value in example.items() for part in value_of(name, value)])
    check(shared, sent)
    shape = SHAPES[action]()
    read_in = details_of(sent, shape)
    assert read_in.body == example
    assert loaded(shape, read_in) == shape.load(example)


def test_the_reason_and_the_note_have_elements_of_their_own() -> None:
    reason = {"coding": [{"system": fhir.REASON, "code": "other"}]}
    sent = asked("rejected", statusReason=reason, note=[{"text": "Invented."}])
    shape = SHAPES["decline"]()
    assert loaded(shape, details_of(sent, shape))["text"] == "Invented."
    noted = details_of(asked("received", note=[{"text": "Back."}]), SHAPES["undo_decision"]())
    assert noted.body == {"note": "Back."}


BAD_INPUTS: dict[str, tuple[str, list[dict[str, Any]], str, str]] = {
    "an unknown field": ("accept", value_of("place", "x"), "Task.input[0].valueString", "unknown"),
    "no value": ("accept", [typed("responsible")], "Task.input[0]", "input.value"),
    "two values": (
        "accept", [{**typed("responsible"), "valueString": "x", "valueCode": "x"}], "Task.input[0]", "input.value"),
    "a field twice": (
        "accept", value_of("responsible", "x") * 2, "Task.input[1].valueString", "repeated"),
    "a part of what has none": (
        "accept", value_of("responsible", "x") + value_of("responsible.y", "x"),
        "Task.input[1].valueString", "repeated"),
    "a part twice": (
        "complete", value_of("attendance.held", 1) * 2, "Task.input[1].valueInteger", "repeated"),
    "a list in parts": (
        "complete", value_of("goals.goal", "x") + value_of("goals", ["x"]), "Task.input[1].valueCode", "repeated"),
    "a day that is none": (
        "accept", value_of("responsible", "x") + value_of("next_step_on", "2026-13-01"),
        "Task.input[1].valueString", "type"),
    "an unknown code": (
        "decline", value_of("reason", "x"), "Task.input[0].valueString", "choice"),
    "attendance that does not add up": (
        "complete",
        value_of("ended_on", "2027-01-01") + value_of("outcome", "completed")
        + value_of("attendance", {"held": 3, "attended": 1, "excused": 0, "absent": 0}),
        "Task.input[2].valueInteger", "attendance.sum"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_INPUTS)
def test_a_bad_input_is_refused_by_its_place(case: str) -> None:
    action, inputs, expression, code = BAD_INPUTS[case]
    shape = SHAPES[action]()

    def act() -> None:
        loaded(shape, details_of(asked("received", input=inputs), shape))

    assert (expression, code) in faults(act, NewTask(), "Task")


def test_what_is_missing_of_a_list_or_an_object_is_told_at_the_inputs() -> None:
    shape = SHAPES["complete"]()
    inputs = value_of("attendance.held", 1)
    told = faults(lambda: loaded(shape, details_of(asked("completed", input=inputs), shape)), NewTask(), "Task")
    assert ("Task.input", "required") in told
