"""Every right that the table does not give is refused by the running services, without a trace; the rest passes."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from chassis.http import Plan
from chassis.settings import SERVICES, Settings
from services.access.rules.sessions import OPERATIONS as SESSIONS
from services.referrals.rules import rights
from services.referrals.rules.partner_side import PARTNER_SAFETY
from services.referrals.schemas.record import ATTEMPT_EXAMPLE
from tests.authz import cells
from tests.authz.cells import ALLOWED, NO_ROLE, NOT_FOUND, STALE, Cell, expected
from tests.authz.rig import CAST, EVERY, GROUP_CAST, NORTH, PARTIES, SECRET, SOUTH, Stage, plans, staged
from tests.support.client import Answer
from tests.support.databases import Databases
from tests.support.referrals import CENTRE, OTHER
from tests.support.rows import nothing_stored, rows
from tests.support.specification import OPERATIONS, Operation

DOOR = list(cells.door_cells())
REFERRALS = list(cells.referral_cells())
GROUPS = list(cells.group_cells())
PASSED = {
    ALLOWED,
    (201, ""),
    STALE,
    (409, "referral.not_possible"),
    (409, "referral.not_ended"),
    (409, "referral.not_a_draft"),
    (409, "group.not_possible"),
    (412, "group.stale"),
    (412, "restricted.stale"),
    (412, "signup.stale"),
    (412, "session.stale"),
    *cells.REFUSES.values(),
}
REFUSED = [cell for cell in (*DOOR, *REFERRALS, *GROUPS) if cell.relation == "-" or expected(cell) not in PASSED]
NAMES = sorted({plan.name for _, plan in plans()})
# Open to every role, because the session in the cookie decides; tests/authz/test_matrix.py asks them by a token alone.
OF_A_SESSION = {plan.name for _, plan in plans() if plan.operation in SESSIONS and not plan.public}
WRITING = {"referral.assign", "referral.restrict", "referral.unrestrict", "referral.bar", "referral.unbar"}
MAKING = {
    "referral.resend",
    "referral.review",
    "referral.log_contact_attempt",
    "referral.link",
    "referral.raise_safeguarding",
    "restricted.read",
    "referral.attach",
    "referral.remove_attachment",
    "signup.create_for",
    "signup.propose_removal",
    "signup.apologise",
    "remark.note",
    "group.duplicate",
    "remark.write",
    "meeting.plan",
    "group.leaders",
    "calendar.open",
}
"""Those that write without a version: they are asked where they must not get through, and once where they may.

Who reads the restricted part is shut out of the man's case from then on; tests/integration/test_restricted_part.py.
"""


@pytest.fixture(scope="module")
def stage(databases: Databases, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(databases, settings, tmp_path_factory.mktemp("matrix")) as made:
        yield made


def test_the_matrix_has_two_thousand_refusals_and_every_route_is_in_it() -> None:
    assert len(REFUSED) >= 2000
    assert len({*map(repr, REFUSED)}) == len(REFUSED), "no cell counts twice"
    assert {cell.plan.name for cell in DOOR} == set(NAMES) - OF_A_SESSION


BODIES = {
    "referral.assign": {"unit": "north"},  # what all of its rows may write
    "referral.log_contact_attempt": {**ATTEMPT_EXAMPLE, "channel": "email"},  # the one that the stage's men have
}


def ask(stage: Stage, cell: Cell) -> Answer:
    if cell.relation == "-":
        subject = "client:system" if cell.system else "member:nobody"
        return stage.ask(cell.service, cell.plan, stage.token(CENTRE, subject, frozenset({cell.role})), {})
    return stage.ask(
        cell.service, cell.plan, token_of(stage, cell), places_of(stage, cell), BODIES.get(cell.plan.operation)
    )


def token_of(stage: Stage, cell: Cell) -> str:
    role = frozenset({cell.role})
    if cell.relation == cells.FOREIGN:
        return stage.token(OTHER, "client:system" if cell.system else "member:colleague", role, NORTH)
    if cell.service == "groups":
        return stage.token(CENTRE, GROUP_CAST[cell.relation], role)
    who = CAST[cell.relation]
    return stage.token(PARTIES[cell.side], who.subject, role, who.units)


def places_of(stage: Stage, cell: Cell) -> dict[str, object]:
    if cell.service == "groups":
        return {"group_id": stage.groups[cell.state], "signup_id": stage.men.get(cell.state, uuid.uuid4()), "no": 1}
    case = CAST[cell.relation].case if cell.relation in CAST else "unit"
    made = stage.cases[case, cell.state]
    return {"referral_id": made, "attachment_id": stage.files[made]}


def outcome(answer: Answer) -> tuple[int, str]:
    return (answer.status, "" if answer.status < 300 else answer.code)


def without_instance(answer: Answer) -> dict[str, Any]:
    return {name: value for name, value in answer.body.items() if name != "instance"}


def snapshot(stage: Stage) -> list[list[Any]]:
    """What stands in the tables that a right could change; counts of the others are compared by nothing_stored."""
    tables = {
        "referrals": ("sender_record", "receiver_case", "case_member", "leg", "outside_read"),
        "groups": ("peer_group",),
    }
    return [
        rows(stage.settings, service, f"SELECT to_jsonb(t)::text FROM {name} AS t ORDER BY 1")
        for service, names in tables.items()
        for name in names
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_who_has_no_role_of_the_row_is_refused_at_the_door(stage: Stage, service: str) -> None:
    mine = [cell for cell in DOOR if cell.service == service]
    with nothing_stored(stage.settings, service):
        wrong = [(str(cell), got) for cell in mine if (got := outcome(ask(stage, cell))) != NO_ROLE]
    assert not wrong


@pytest.mark.parametrize("name", NAMES)
def test_without_a_token_and_with_a_broken_one_nothing_is_answered(stage: Stage, name: str) -> None:
    service, plan = next(pair for pair in plans() if pair[1].name == name)
    good = stage.token(CENTRE, "client:system", EVERY)
    for token, code in ((None, "token.missing"), (good[:-8] + "AAAAAAAA", "token.invalid")):
        assert outcome(stage.ask(service, plan, token, {})) == (401, code)


@pytest.mark.parametrize("name", sorted({cell.plan.name for cell in (*REFERRALS, *GROUPS)}))
def test_every_cell_of_the_table(stage: Stage, name: str) -> None:
    mine = [cell for cell in (*REFERRALS, *GROUPS) if cell.plan.name == name]
    passing = [cell for cell in mine if expected(cell) in {ALLOWED, (201, "")}]
    writes = [cell for cell in passing if cell.plan.operation in WRITING | MAKING or cell.role == PARTNER_SAFETY]
    asked = [cell for cell in mine if not any(cell is write for write in writes)]
    before, wrong = snapshot(stage), []
    for cell in asked:
        answer = ask(stage, cell)
        if (got := outcome(answer)) != expected(cell):
            wrong.append((str(cell), got, expected(cell)))
        if answer.status >= 400:
            assert SECRET not in answer.raw.decode()
    assert not wrong
    assert snapshot(stage) == before
    through = passing or any(expected(cell)[0] == STALE[0] for cell in mine)
    # the stage has no child concern; tests/integration/test_lifecycle.py closes one
    assert through or "groups" in name or "close_concern" in name, "a route that nobody may use"


@pytest.mark.parametrize("name", sorted({cell.plan.name for cell in REFERRALS}))
def test_what_is_hidden_answers_as_what_does_not_exist(stage: Stage, name: str) -> None:
    """Body and headers but for the request's own id; for each relation that hides, and the role that reads most."""
    plan = next(cell.plan for cell in REFERRALS if cell.plan.name == name)
    for relation in (rights.BARRED, rights.SHUT):
        for party in PARTIES.values():
            who = CAST[relation]
            token = stage.token(party, who.subject, EVERY, who.units)
            hidden = stage.ask("referrals", plan, token, {"referral_id": stage.cases[who.case, "sent"]})
            absent = stage.ask("referrals", plan, token, {"referral_id": uuid.uuid4()})
            assert outcome(hidden) == NOT_FOUND
            assert without_instance(hidden) == without_instance(absent)
            assert header_names(hidden) == header_names(absent)


def header_names(answer: Answer) -> set[str]:
    return {name.lower() for name in answer.headers}


LISTS = [plan for service, plan in plans() if plan.operation in {"referral.inbox", "referral.sent"}]


@pytest.mark.parametrize("plan", LISTS, ids=lambda plan: plan.operation)
@pytest.mark.parametrize("relation", sorted(CAST))
def test_a_list_holds_what_its_reader_may_open_and_no_more(stage: Stage, plan: Plan, relation: str) -> None:
    who = CAST[relation]
    side = "receiver" if plan.operation == "referral.inbox" else "sender"
    roles = frozenset({"receiver_worker", "sender_worker"})
    answer = stage.ask("referrals", plan, stage.token(PARTIES[side], who.subject, roles, who.units), {})
    seen = {name for name, made in stage.cases.items() if str(made) in {item["id"] for item in answer.items}}
    cases = {
        rights.BARRED: {"small"},
        rights.SHUT: {"unit", "small"},
        rights.NAMED: {"restricted", "small"},
        rights.ASSIGNED: {"unit", "small"},
        rights.OWN_UNIT: {"unit", "small"},
        rights.WHOLE_SIDE: {"unit", "small"},
        rights.OTHER_UNIT: {"small"},
    }[relation]
    assert {case for case, _ in seen} == cases
    assert len(seen) == len(answer.items)


def test_what_the_table_gives_gets_through_and_is_stored(stage: Stage) -> None:
    """The control for the routes that write without a version: a lead of each side does each once, and undoes it."""
    bodies = {
        "referral.assign": {"unit": "south"},
        "referral.restrict": {"members": ["member:x"]},
        "referral.unrestrict": {},
        "referral.bar": {"member": "member:x"},
        "referral.unbar": {"member": "member:x"},
    }
    for side, party in PARTIES.items():
        token = stage.token(party, "member:lead-two", frozenset({f"{side}_lead"}), SOUTH)
        for _, plan in plans():
            if plan.operation in WRITING:
                place = {"referral_id": stage.cases["small", "sent"]}
                answer = stage.ask("referrals", plan, token, place, bodies[plan.operation])
                assert answer.status == 200
                documented(plan).check(answer)


def documented(plan: Plan) -> Operation:
    """The route as the committed specification has it."""
    return OPERATIONS[re.sub(r"<(?:[a-z]+:)?([a-z_]+)>", r"{\1}", plan.name)]


def test_a_reason_opens_another_units_case_and_is_on_record(stage: Stage) -> None:
    plan = next(plan for _, plan in plans() if plan.name == "GET /referrals/<uuid:referral_id>")
    who = replace(CAST[rights.OTHER_UNIT], subject="member:south-two")  # who reads is on the man's side from then on
    token = stage.token(CENTRE, who.subject, frozenset({"receiver_worker"}), who.units)
    made = stage.cases["unit", "received"]
    with_reason = Plan(method="GET", path=f"{plan.path}?reason=stand_in", operation="-", summary="")
    answer = stage.ask("referrals", with_reason, token, {"referral_id": made})
    assert answer.body["person"]["name"] == SECRET
    noted = "SELECT subject, reason FROM outside_read WHERE referral_id = %s"
    assert rows(stage.settings, "referrals", noted, (made,)) == [(who.subject, "stand_in")]


FIELDS = {
    ("sender", "sender_worker"): rights.SEEN["sender"],
    ("receiver", "receiver_worker"): rights.SEEN["receiver"],
    ("receiver", "network_coordinator"): rights.METADATA,
    ("sender", "network_coordinator"): rights.METADATA,
}


@pytest.mark.parametrize(("side", "role"), FIELDS, ids=lambda each: each)
def test_an_answer_has_the_fields_of_the_row_and_no_other(stage: Stage, side: str, role: str) -> None:
    plan = next(plan for _, plan in plans() if plan.name == "GET /referrals/<uuid:referral_id>")
    token = stage.token(PARTIES[side], "client:system", frozenset({role}))
    answer = stage.ask("referrals", plan, token, {"referral_id": stage.cases["unit", "accepted"]})
    documented(plan).check(answer)  # what is hidden is not promised either
    assert set(answer.body) <= FIELDS[side, role]
    assert FIELDS[side, role] - set(answer.body) <= {"reason_code", "contact"}
    assert (SECRET in answer.raw.decode()) == (role != "network_coordinator")
    assert ("handling" in answer.body, "external_ref" in answer.body) == (
        (side == "receiver", side == "sender") if role != "network_coordinator" else (False, False)
    )


def test_a_field_that_nobody_or_not_this_role_may_write_is_refused_by_its_pointer(stage: Stage) -> None:
    by_name = {plan.operation: plan for _, plan in reversed(plans())}  # the first of several is the plain one
    worker = stage.token(PARTIES["sender"], "client:system", frozenset({"sender_client"}))
    create = by_name["referral.create"]
    answer = stage.ask("referrals", create, worker, {}, {**create.example, "state": "accepted", "version": 9})
    assert outcome(answer) == (422, "body.invalid")
    assert {(each["pointer"], each["code"]) for each in answer.body["errors"]} == {
        ("/state", "field.not_writable"),
        ("/version", "field.not_writable"),
    }
    intake = stage.token(CENTRE, "client:system", frozenset({"intake_worker"}))
    place = {"referral_id": stage.cases["small", "received"]}
    both = {"unit": "north", "worker": "member:me"}
    refused = stage.ask("referrals", by_name["referral.assign"], intake, place, both)
    assert [(each["pointer"], each["code"]) for each in refused.body["errors"]] == [("/worker", "field.not_writable")]
    sorted_in = stage.ask("referrals", by_name["referral.assign"], intake, place, {"unit": "north"})
    assert set(sorted_in.body) == {"id", "side", "unit", "worker"}
