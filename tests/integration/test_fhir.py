"""FHIR over the real use cases: each state on each side, steps by Task, searches, and the same walls as elsewhere."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest

from chassis.db import Database
from chassis.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from chassis.identity import Caller
from chassis.requests import Call
from chassis.settings import Settings
from services.referrals import usecases
from services.referrals.rules import feedback, fhir, lifecycle
from services.referrals.rules.fhir import SERVICE_REQUEST, TASK
from services.referrals.rules.lifecycle import RECEIVER, SENDER
from services.referrals.schemas.fhir import REQUEST_EXAMPLE, NewServiceRequest
from services.referrals.schemas.fhir_shown import RequestQuery, TaskQuery
from services.referrals.schemas.fhir_task import CHANGE_EXAMPLE, ChangedTask, NewTask
from services.referrals.schemas.transitions import EXAMPLES
from services.referrals.usecases import fhir as doors
from services.referrals.usecases import rights as leads
from tests.authz.rig import FAR_AWAY, WAYS
from tests.integration.test_clocks import pass_time
from tests.support.databases import root_url
from tests.support.fhir import business, check, entries, value_of
from tests.support.referrals import CENTRE, OTHER, POLICE, decide, expire, go, look, new, seed

PARTIES = {SENDER: POLICE, RECEIVER: CENTRE}


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("referrals")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "referrals")
    seed(database)
    yield database
    database.close()


def rows(at: Settings, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(root_url(at, "referrals")) as connection:
        return connection.execute(query.encode()).fetchall()


def made(by: Caller = POLICE, *, key: str | None = None, **changes: Any) -> Call:
    """The call behind POST /fhir/ServiceRequest."""
    sent = {**REQUEST_EXAMPLE, **changes}
    body = NewServiceRequest().load(sent)
    raw = orjson.dumps(sent)
    return Call(route="POST /fhir/ServiceRequest", operation="referral.create", caller=by, body=body, raw=raw,
                idempotency_key=key)  # fmt: skip


def step(by: Caller, referral: uuid.UUID, status: str, version: int, *, key: str | None = None, **more: Any) -> Call:
    """The call behind PUT /fhir/Task/{id}."""
    sent = {**CHANGE_EXAMPLE, "status": status, **more}
    return Call(
        route="PUT /fhir/Task/{referral_id}",
        operation="fhir.move",
        caller=by,
        body=ChangedTask().load(sent),
        raw=orjson.dumps(sent),
        path={"referral_id": referral},
        expected_version=version,
        idempotency_key=key,
    )


def searching(by: Caller, kind: str, **query: Any) -> Call:
    """The call behind GET /fhir/…"""
    shape = (TaskQuery if kind == TASK else RequestQuery)()
    return Call(route=f"GET /fhir/{kind}", operation="fhir.search", caller=by, query=shape.load(query))


def found(db: Database, by: Caller, kind: str = TASK, **query: Any) -> list[dict[str, Any]]:
    return entries(doors.search(db, searching(by, kind, **query), kind).value)


def seen(db: Database, by: Caller, referral: uuid.UUID, kind: str = TASK) -> dict[str, Any]:
    value: dict[str, Any] = doors.read(db, look(by, referral), kind).value
    return value


def created(db: Database, **changes: Any) -> uuid.UUID:
    return uuid.UUID(doors.create(db, made(**changes)).value["id"])


def asked_by_task(action: str, target: str) -> dict[str, Any]:
    """What a transition needs, as a Task says it."""
    example = {**EXAMPLES[action], **FAR_AWAY.get(action, {})}
    inputs = [part for name, value in example.items() for part in value_of(name, value)]
    return {"input": inputs, "businessStatus": business(target)} if inputs else {"businessStatus": business(target)}


def brought_to(db: Database, state: str, scope: str) -> uuid.UUID:
    """A referral that has come to a state by the other door."""
    contact = {"channel": "phone", "value": "+37060000000", "safe": "no"}
    call = new(feedback_scope=scope, contact=contact, external_ref="A-1", draft=state == "draft")
    referral: uuid.UUID = usecases.create(db, call).value["id"]
    if state == "expired":
        expire(db, referral)
    for side, action in WAYS.get(state, ()):
        go(db, PARTIES[side], referral, action, **{**EXAMPLES[action], **FAR_AWAY.get(action, {})})
    return referral


def both_as_shown(db: Database, shared: Path, by: Caller, referral: uuid.UUID) -> str:
    """The state as this side is shown it; both resources are valid and say that and no other."""
    plain = usecases.read(db, look(by, referral)).value
    words = fhir.STATES[plain["state"]]
    for kind, status in ((SERVICE_REQUEST, words.request), (TASK, words.task)):
        outcome = doors.read(db, look(by, referral), kind)
        check(shared, outcome.value)
        assert outcome.value["status"] == status
        assert outcome.version == plain["version"] == int(outcome.value["meta"]["versionId"])
    assert seen(db, by, referral)["businessStatus"]["coding"][0]["code"] == plain["state"]
    return str(plain["state"])


@pytest.mark.parametrize("scope", ["received_only", "full_report"])
@pytest.mark.parametrize("state", lifecycle.STATES)
def test_every_state_is_read_by_each_side_as_it_may_see_it(db: Database, shared: Path, state: str, scope: str) -> None:
    referral = brought_to(db, state, scope)
    shown = both_as_shown(db, shared, POLICE, referral)
    fixed = any(action == "accept" for _, action in WAYS.get(state, ()))
    told = feedback.sender_sees(state, feedback.scope_in_force(scope, fixed=fixed))
    assert shown == state if told else shown in {"received", "closed"}
    if state != "draft":
        assert both_as_shown(db, shared, CENTRE, referral) == state
        assert "identifier" not in seen(db, CENTRE, referral, SERVICE_REQUEST)


def test_what_is_posted_is_read_again(db: Database, at: Settings, shared: Path) -> None:
    patient = {
        **REQUEST_EXAMPLE["contained"][0],
        "telecom": [
            {
                "extension": [{"url": fhir.CONTACT_SAFE, "valueCode": "yes"}],
                "system": "email",
                "value": "demo@example.org",
            }
        ],
    }
    own = [{"system": fhir.OWN_REFERENCE, "value": "ROIK-7"}]
    outcome = doors.create(db, made(contained=[patient], identifier=own))
    check(shared, outcome.value)
    assert outcome.location == f"/fhir/ServiceRequest/{outcome.value['id']}"
    referral = uuid.UUID(outcome.value["id"])
    again = seen(db, POLICE, referral, SERVICE_REQUEST)
    assert again == outcome.value
    for name in ("contained", "identifier", "intent", "priority", "subject", "reasonCode"):
        assert again[name] == {**REQUEST_EXAMPLE, "contained": [patient], "identifier": own}[name]
    sent = {flag["url"]: flag for flag in REQUEST_EXAMPLE["extension"]}
    assert sent.items() <= {flag["url"]: flag for flag in again["extension"]}.items()
    assert REQUEST_EXAMPLE["performer"][0] in again["performer"]
    assert rows(at, "SELECT operation FROM audit WHERE operation = 'referral.create'") == [("referral.create",)]
    assert rows(at, "SELECT count(*) FROM outbox") == [(2,)]


def test_the_same_rules_hold_at_this_door_and_are_told_by_its_places(db: Database) -> None:
    def refused(**changes: Any) -> list[tuple[str, str]]:
        with pytest.raises(Invalid) as caught:
            doors.create(db, made(**changes))
        return [(each.pointer, each.code) for each in caught.value.fields]

    def performer(system: str, value: str) -> list[dict[str, Any]]:
        return [{"identifier": {"system": system, "value": value}}]

    place = "/performer/0/identifier/value"
    assert refused(performer=performer(fhir.SERVICE, "no-such")) == [(place, "service.unknown")]
    assert refused(performer=performer(fhir.ORGANISATION, "lt-police")) == [(place, "receiver.self")]
    assert refused(priority="stat") == [("/priority", "service.urgency_not_covered")]
    requester = {"identifier": {"system": fhir.ORGANISATION, "value": "lt-kavkc"}}
    assert refused(requester=requester) == [("/requester/identifier", "requester.foreign")]
    own = [{"system": fhir.OWN_REFERENCE, "value": "ROIK-7"}]
    doors.create(db, made(identifier=own))
    with pytest.raises(Conflict):
        doors.create(db, made(identifier=own))


def test_the_same_key_gives_the_same_request(db: Database) -> None:
    first = doors.create(db, made(key="k-1")).value["id"]
    assert doors.create(db, made(key="k-1")).value["id"] == first
    with pytest.raises(Invalid):
        doors.create(db, made(key="k-1", priority="routine"))


@pytest.mark.parametrize("state", WAYS)
def test_every_way_is_walked_by_tasks_alone(db: Database, state: str) -> None:
    referral = created(db)
    for side, action in WAYS[state]:
        by = PARTIES[side]
        target = next(edge.target for edge in lifecycle.LIFECYCLE if edge.name == action and side in edge.actors)
        before = doors.read(db, look(by, referral), TASK)
        task = fhir.STATES[target].task
        outcome = doors.move(db, step(by, referral, task, before.version or 0, **asked_by_task(action, target)))
        assert outcome.value["status"] == task
        assert outcome.location == f"/fhir/Task/{referral}"
    history = usecases.history(db, look(CENTRE, referral)).value["items"]
    assert history[-1]["transition"] == WAYS[state][-1][1]
    assert usecases.read(db, look(CENTRE, referral)).value["state"] == state


def test_a_step_is_on_record_as_the_transition_that_it_is(db: Database, at: Settings) -> None:
    referral = created(db)
    doors.move(db, step(CENTRE, referral, "received", 1, key="k-9"))
    doors.move(db, step(CENTRE, referral, "received", 1, key="k-9"))
    doors.move(db, step(CENTRE, referral, "received", 2))
    told = rows(at, "SELECT operation, outcome FROM audit WHERE operation <> 'referral.create' ORDER BY at, id")
    assert sorted(told) == [("fhir.move", "done"), ("fhir.move", "repeated"), ("referral.acknowledge", "done")]
    assert usecases.read(db, look(CENTRE, referral)).version == 2


def test_guards(db: Database) -> None:
    referral = created(db)
    accept = asked_by_task("accept", "accepted")
    with pytest.raises(NotAllowed):
        doors.move(db, step(POLICE, referral, "accepted", 1, **accept))
    with pytest.raises(NotFound):
        doors.move(db, step(OTHER, referral, "accepted", 1, **accept))
    with pytest.raises(NotFound):
        doors.move(db, step(CENTRE, uuid.uuid4(), "accepted", 1, **accept))
    with pytest.raises(Stale):
        doors.move(db, step(CENTRE, referral, "accepted", 7, **accept))
    with pytest.raises(Stale):
        doors.move(db, step(CENTRE, referral, "requested", 7))
    with pytest.raises(Conflict) as refused:
        doors.move(db, step(CENTRE, referral, "completed", 1, **asked_by_task("complete", "completed")))
    assert "accept" in refused.value.allowed
    with pytest.raises(Invalid) as missing:
        doors.move(db, step(CENTRE, referral, "accepted", 1))
    assert {each.pointer for each in missing.value.fields} == {""}
    for kind in (TASK, SERVICE_REQUEST):
        with pytest.raises(NotFound):
            seen(db, OTHER, referral, kind)


def test_a_task_of_one_referral_does_not_move_another(db: Database) -> None:
    one, other = created(db), created(db)
    elsewhere = {"reference": f"ServiceRequest/{other}"}
    for more in ({"focus": elsewhere}, {"id": str(other)}, {"id": "x"}):
        with pytest.raises(Invalid):
            doors.move(db, step(CENTRE, one, "received", 1, **more))
    body = NewTask().load({**CHANGE_EXAMPLE, "focus": elsewhere})
    call = Call(route="POST /fhir/Task", operation="fhir.move", caller=CENTRE, body=body, raw=b"{}", expected_version=1)
    assert doors.move(db, call).value["id"] == str(other)
    assert seen(db, CENTRE, one)["status"] == "requested"


def test_a_search_holds_both_sides_and_nobody_elses(db: Database, shared: Path) -> None:
    sent, received = created(db), usecases.create(db, new(CENTRE, service="lt-kapvc-consultations")).value["id"]
    assert {each["id"] for each in found(db, CENTRE)} == {str(sent), str(received)}
    assert {each["id"] for each in found(db, POLICE)} == {str(sent)}
    assert {each["id"] for each in found(db, OTHER)} == {str(received)}
    for kind in (TASK, SERVICE_REQUEST):
        bundle = doors.search(db, searching(CENTRE, kind), kind).value
        check(shared, bundle)
        assert "Demo Pavyzdys" not in str(bundle)
        assert all(each["meta"]["tag"][0]["code"] == "SUBSETTED" for each in entries(bundle))


def test_what_a_search_may_be_narrowed_by(db: Database) -> None:
    one, other = created(db), created(db)
    go(db, CENTRE, one, "acknowledge")
    onward = usecases.create(db, new(CENTRE, service="lt-kapvc-consultations")).value["id"]

    def ids(**query: Any) -> set[str]:
        return {each["id"] for each in found(db, CENTRE, **query)}

    assert ids(status="received") == {str(one)}
    assert ids(status="received,requested") == {str(one), str(other), str(onward)}
    assert ids(_id=str(other)) == {str(other)}
    assert ids(owner="lt-kapvc") == ids(owner=f"Organization/{OTHER.org_id}") == {str(onward)}
    assert ids(**{"owner:identifier": "urn:tukiverkko:organisation|lt-kapvc"}) == {str(onward)}
    assert ids(requester="lt-police", status="requested") == {str(other)}
    assert ids(**{"requester:identifier": f"urn:ietf:rfc:3986|urn:uuid:{POLICE.org_id}"}) == {str(one), str(other)}
    assert ids(owner="nobody") == set()
    changed = seen(db, CENTRE, one)["lastModified"]
    assert ids(_lastUpdated=[f"ge{changed}", "lt2999-01-01"]) == {str(one), str(onward)}
    assert ids(_lastUpdated=["lt2020"]) == set()
    performers = found(db, CENTRE, SERVICE_REQUEST, performer="lt-kapvc", status="active")
    assert [each["id"] for each in performers] == [str(onward)]
    assert found(db, CENTRE, SERVICE_REQUEST, status="revoked,draft") == []


def test_pages_follow_one_another_by_their_links(db: Database) -> None:
    expected = [str(created(db)) for _ in range(5)]
    query: dict[str, Any] = {"_count": "2", "status": "requested"}
    seen_so_far: list[str] = []
    for _ in range(3):
        page = doors.search(db, searching(POLICE, TASK, **query), TASK).value
        seen_so_far += [each["id"] for each in entries(page)]
        links = {link["relation"]: link["url"] for link in page["link"]}
        if "next" in links:
            assert links["next"].startswith(f"{db.public_url}/fhir/Task?")
            assert "status=requested" in links["next"]
            query["_cursor"] = links["next"].partition("_cursor=")[2]
    assert seen_so_far == expected[::-1]
    assert "next" not in links


def test_a_search_knows_units_restrictions_and_bars(db: Database) -> None:
    """As the work lists do: what the reader may not open is not in it."""
    referral = created(db)
    north = replace(CENTRE, subject="member:north", units=frozenset({"north"}), roles=frozenset({"receiver_worker"}))
    south = replace(CENTRE, subject="member:south", units=frozenset({"south"}), roles=frozenset({"receiver_worker"}))
    lead = replace(CENTRE, subject="member:lead", roles=frozenset({"receiver_lead"}))
    leads.assign(db, decide(lead, referral, "assign", unit="north"))
    assert [len(found(db, by)) for by in (north, south, lead)] == [1, 0, 1]
    leads.bar(db, decide(lead, referral, "bar", member="member:north"))
    assert [len(found(db, by)) for by in (north, south, lead)] == [0, 0, 1]
    leads.restrict(db, decide(lead, referral, "restrict", members=["member:south"]))
    assert [len(found(db, by)) for by in (north, south, lead)] == [0, 1, 1]


def test_a_role_searches_the_sides_that_it_has(db: Database) -> None:
    created(db)
    usecases.create(db, new(CENTRE, service="lt-kapvc-consultations"))
    for roles, count in (({"sender_client"}, 1), ({"recipient_client"}, 1), ({"sender_client", "recipient_client"}, 2)):
        assert len(found(db, replace(CENTRE, roles=frozenset(roles)))) == count
    coordinator = replace(CENTRE, roles=frozenset({"network_coordinator"}))
    assert len(found(db, coordinator)) == 2


def test_a_coordinator_reads_where_it_stands_and_not_whom_it_is_about(db: Database, shared: Path) -> None:
    referral = created(db)
    go(db, CENTRE, referral, "decline", reason="no_capacity")
    coordinator = replace(CENTRE, roles=frozenset({"network_coordinator"}))
    request, task = seen(db, coordinator, referral, SERVICE_REQUEST), seen(db, coordinator, referral)
    check(shared, request)
    check(shared, task)
    assert "contained" not in request
    assert not {"reasonCode", "extension", "identifier", "category"} & set(request)
    assert "statusReason" not in task
    assert "statusReason" in seen(db, CENTRE, referral)


def test_a_hidden_reason_is_told_to_the_sender_in_its_outward_form(db: Database) -> None:
    referral = created(db)
    go(db, CENTRE, referral, "decline", reason="conflict_of_interest")
    assert seen(db, POLICE, referral)["statusReason"]["coding"][0]["code"] == "not_possible_here"
    assert "conflict_of_interest" not in str(found(db, POLICE))
    assert seen(db, CENTRE, referral)["statusReason"]["coding"][0]["code"] == "conflict_of_interest"


def test_drafts_and_child_concerns_are_in_no_search(db: Database, at: Settings) -> None:
    referral = created(db)
    usecases.create(db, new(draft=True))
    assert len(found(db, POLICE)) == 1
    with psycopg.connect(root_url(at, "referrals")) as connection:
        connection.execute("UPDATE sender_record SET kind = 'child_concern' WHERE id = %s", (referral,))
        connection.execute("UPDATE receiver_case SET kind = 'child_concern' WHERE id = %s", (referral,))
    assert found(db, POLICE) == found(db, CENTRE) == []


def test_after_its_time_a_step_finds_it_expired(db: Database, at: Settings) -> None:
    referral = created(db)
    pass_time(at, 60)
    with pytest.raises(Conflict) as refused:
        doors.move(db, step(CENTRE, referral, "accepted", 1, **asked_by_task("accept", "accepted")))
    assert "expired" in refused.value.detail
    assert seen(db, POLICE, referral)["status"] == "cancelled"
