"""The matrix once more with every check of the application switched off: row security alone gives no foreign row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest

from chassis.db import Database
from chassis.identity import Caller
from chassis.settings import Settings
from services.referrals.rules import rights
from tests.authz import cells
from tests.authz.rig import CAST, EVERY, PARTIES, SECRET, STATES, Stage, plans, staged
from tests.integration.subscriptions_rig import journal, know, received
from tests.support.client import Answer
from tests.support.databases import Databases, root_url
from tests.support.referrals import CENTRE, OTHER, POLICE
from tests.support.rows import nothing_stored, rows

ROUTES = {plan.name: (service, plan) for service, plan in plans() if not plan.internal}
CASES = [name for name in ROUTES if cells.REFERRAL in name]
LISTS = [
    name
    for name, (_, plan) in ROUTES.items()
    if "<" not in name and plan.method == "GET" and "parked" not in name and not plan.streams
]
UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
READ = "GET /referrals/<uuid:referral_id>"
QUERY = {"GET /events": "?stream=org"}
OWNERS = {
    "referrals": ("sender_record", "receiver_case", "history", "outside_read"),
    "groups": ("programme", "peer_group", "participant", "sign_up"),
}


@pytest.fixture(scope="module")
def stage(databases: Databases, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("unguarded")
    with staged(databases, settings, folder, module="tests.authz.unguarded_process") as made:
        db = Database(made.settings, "subscriptions")
        for party in PARTIES.values():
            know(db, party.org_key)
            journal(db, *(received(f"org:{party.org_id}") for _ in range(3)))
        db.close()
        yield made


def foreign_ids(stage: Stage) -> set[bytes]:
    """Every id of a row that belongs to the two parties, read as the superuser."""
    found = set()
    for service, tables in OWNERS.items():
        for table in tables:
            found |= {each.encode() for (each,) in rows(stage.settings, service, f"SELECT id::text FROM {table}")}
    found |= {each.encode() for (each,) in rows(stage.settings, "subscriptions", "SELECT event_id::text FROM journal")}
    assert len(found) > len(STATES)
    return found


def ask(stage: Stage, name: str, role: str, state: str) -> Answer:
    service, plan = ROUTES[name]
    places = {"referral_id": stage.cases["unit", state], "group_id": stage.groups["draft"], "no": 1}
    token = stage.token(OTHER, "client:system", frozenset({role}))
    body = {"unit": "north"} if plan.operation == "referral.assign" else None
    return stage.ask(service, plan, token, places, body)


@pytest.mark.parametrize("name", CASES)
def test_a_third_organisation_gets_no_row_in_any_role_and_state(stage: Stage, name: str) -> None:
    with nothing_stored(stage.settings, "referrals"):
        for role in sorted(EVERY):
            for state in STATES:
                answer = ask(stage, name, role, state)
                assert (answer.status, answer.code) == cells.NOT_FOUND, (role, state, answer.raw)


@pytest.mark.parametrize("name", [name for name in ROUTES if cells.GROUP in name])
def test_a_third_organisation_gets_no_group_row_either(stage: Stage, name: str) -> None:
    for role in sorted(EVERY):
        answer = ask(stage, name, role, "sent")
        assert (answer.status, answer.code) == cells.NOT_FOUND, (role, answer.raw)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_holds_no_foreign_row(stage: Stage, name: str) -> None:
    """The feed is asked for the police's own stream, which a forgetful application would hand out."""
    foreign = foreign_ids(stage)
    for role in sorted(EVERY):
        answer = listed(stage, name, OTHER, role)
        assert answer.status < 500, answer.raw
        assert not set(UUID.findall(answer.raw)) & foreign, (role, answer.raw)
        assert SECRET not in answer.raw.decode()


def listed(stage: Stage, name: str, org: Caller, role: str) -> Answer:
    service, plan = ROUTES[name]
    token = stage.token(org, "client:system", frozenset({role}))
    return stage.ask(service, replace(plan, path=f"{plan.path}{QUERY.get(name, '')}"), token, {})


def test_the_checks_are_off_and_the_rows_are_there(stage: Stage) -> None:
    """The control: in their own organisation a barred member and a role without any right read what is forbidden."""
    for relation in (rights.BARRED, rights.SHUT, rights.OTHER_UNIT):
        who = CAST[relation]
        for party in PARTIES.values():
            token = stage.token(party, who.subject, frozenset({"auditor"}), who.units)
            place = {"referral_id": stage.cases[who.case, "sent"]}
            assert SECRET in stage.ask("referrals", ROUTES[READ][1], token, place).raw.decode()
    inner = stage.token(CENTRE, "member:x", frozenset({"auditor"}))
    answer = stage.ask(
        "groups", ROUTES["GET /groups/<uuid:group_id>/roster"][1], inner, {"group_id": stage.groups["open"]}
    )
    assert SECRET in answer.raw.decode()
    for name in ("GET /referrals/inbox", "GET /referrals/sent", "GET /programmes", "GET /events"):
        owner = POLICE if name in {"GET /events", "GET /referrals/sent"} else CENTRE
        found = listed(stage, name, owner, "auditor")
        assert found.events or found.items, name


def test_without_row_security_the_same_requests_would_show_foreign_rows(stage: Stage) -> None:
    """The proof that the tests above can fail."""
    with switched_off(stage.settings, "referrals", "sender_record"):
        assert SECRET in ask(stage, READ, "auditor", "sent").raw.decode()
        seen = set(UUID.findall(listed(stage, "GET /referrals/sent", OTHER, "auditor").raw))
        assert seen & foreign_ids(stage)
    with switched_off(stage.settings, "subscriptions", "journal"):
        assert listed(stage, "GET /events", OTHER, "auditor").events


@contextmanager
def switched_off(settings: Settings, service: str, table: str) -> Iterator[None]:
    """The table without its policies, for whoever reads it meanwhile."""
    with psycopg.connect(root_url(settings, service), autocommit=True) as connection:
        connection.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY".encode())
        try:
            yield
        finally:
            connection.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY".encode())
