"""What a known caller does, reads or is refused leaves one row; auditors read their own organisation's rows."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chassis import relay
from chassis.identity import ensure_signing_key
from chassis.settings import Settings
from tests.integration.bus_rig import until
from tests.integration.test_operating_http import serving
from tests.support.client import CENTRE, EVERY_ROLE, POLICE, Answer, Client, org_id, token
from tests.support.rows import rows
from tests.support.specification import OPERATIONS

ROWS = "SELECT operation, outcome, object_id, org_id FROM audit WHERE request_id = %s"


@pytest.fixture
def at(vhost: Settings, service_database: Callable[..., Settings]) -> Settings:
    made = service_database("groups", into=vhost)
    ensure_signing_key(made.home)
    return made


@pytest.fixture
def url(at: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(at, tmp_path_factory.mktemp("log")) as found:
        yield found


def by(at: Settings, url: str, org: str, *roles: str) -> Client:
    return Client(url, token(at, org, roles))


def left(at: Settings, answer: Answer) -> list[tuple[Any, ...]]:
    return rows(at, "groups", ROWS, (answer.headers["X-Request-Id"],))


def test_every_answer_to_a_known_caller_leaves_one_row(at: Settings, url: str) -> None:
    group, police = uuid.uuid4(), org_id(POLICE)
    coordinator, stranger = by(at, url, POLICE, "group_coordinator"), by(at, url, POLICE, "sender_worker")
    done = coordinator.get("/programmes")
    assert (done.status, left(at, done)) == (200, [("programme.list", "done", None, police)])
    missing = coordinator.get(f"/groups/{group}/roster")
    assert (missing.status, left(at, missing)) == (
        404,
        [("group.roster", "refused:resource.not_found", group, police)],
    )
    barred = stranger.get(f"/groups/{group}/roster")
    assert (barred.status, left(at, barred)) == (
        403,
        [("group.roster", "refused:operation.not_allowed", group, police)],
    )
    bad = coordinator.post("/programmes", {"names": "none"})
    assert (bad.status, left(at, bad)) == (422, [("programme.create", "refused:body.invalid", None, police)])
    public = coordinator.get(f"/groups/{group}")
    assert (public.status, left(at, public)) == (404, [("group.read", "refused:resource.not_found", group, police)])


def test_every_protected_route_of_a_service_leaves_exactly_one_row(at: Settings, url: str) -> None:
    """For one service here; tests/authz/test_audit_rows.py asks all of them."""
    protected = [each for each in OPERATIONS.values() if each.service == "groups" and not each.public]
    assert len(protected) >= 10
    for operation in protected:
        path = operation.path.format(**operation.never)
        body = operation.example if operation.has_body else None
        version = '"1"' if operation.needs_version else None
        for roles in (EVERY_ROLE, {"sender_worker"}):
            answer = by(at, url, POLICE, *roles).ask(operation.method, path, body, version=version)
            found = left(at, answer)
            assert [row[0] for row in found] == [operation.operation], (operation.path, answer.status, found)
            assert found[0][1].startswith("refused:") == (answer.status >= 400), (answer.status, found)


def test_nobody_and_what_can_not_be_read_leave_no_row(at: Settings, url: str) -> None:
    nobody, coordinator = Client(url), by(at, url, POLICE, "group_coordinator")
    for answer in (
        nobody.get("/programmes"),
        nobody.get(f"/groups/{uuid.uuid4()}"),
        coordinator.get("/programmes?x=1"),
    ):
        assert answer.status in {400, 401, 404, 422}
        assert left(at, answer) == []
    card = {"return_code": "AAAA-AAAA-AAAA", "pin": "4711"}
    assert left(at, nobody.post("/signups/status", card)) == []


def test_a_refused_request_may_be_tried_again_with_its_key(at: Settings, url: str) -> None:
    """The row of a refusal must not make the request one that was done before."""
    coordinator = by(at, url, POLICE, "group_coordinator")
    draft = coordinator.post("/groups", {"kind": "nonsense"}, key="one-key")
    assert draft.status == 422
    assert rows(at, "groups", "SELECT count(*) FROM request") == [(0,)]
    gone = coordinator.ask("POST", f"/groups/{uuid.uuid4()}/open", {}, version='"1"', key="another-key")
    assert (gone.status, len(left(at, gone))) == (404, 1)
    assert rows(at, "groups", "SELECT count(*) FROM request") == [(0,)]


def test_an_auditor_reads_the_rows_of_his_own_organisation_and_that_is_on_record(at: Settings, url: str) -> None:
    stop = threading.Event()
    sealing = threading.Thread(target=relay.run, args=(at, ["groups"], stop), kwargs={"health_port": 0})
    sealing.start()
    try:
        police, centre = by(at, url, POLICE, "group_coordinator"), by(at, url, CENTRE, "group_coordinator")
        for client in (police, centre, police, police):
            assert client.get("/programmes").status == 200
        until(lambda: rows(at, "groups", "SELECT count(*) FROM audit_link") == [(4,)], 30)
    finally:
        stop.set()
        sealing.join(15)
    auditor = by(at, url, POLICE, "auditor")
    first = auditor.get("/groups/audit?limit=2")
    assert first.status == 200, first.raw
    assert [item["seq"] for item in first.items] == [3, 2]
    assert {item["operation"] for item in first.items} == {"programme.list"}
    rest = auditor.get(f"/groups/audit?limit=2&cursor={first.body['next']}")
    assert ([item["seq"] for item in rest.items], rest.body["next"]) == ([1], None)
    assert left(at, first) == [("audit.read", "done", None, org_id(POLICE))]
    assert by(at, url, POLICE, "group_coordinator", "operator").get("/groups/audit").status == 403
    assert [item["seq"] for item in by(at, url, CENTRE, "dpo").get("/groups/audit").items] == [1]
    assert auditor.get("/groups/audit?cursor=x").status in {400, 422}
