"""Every route of the specification against nobody, an old token, a token without the role, and a third organisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis import clock
from chassis.auditing import OPERATIONS as AUDITORS
from chassis.db import Database
from chassis.operating import OPERATIONS as OPERATORS
from deploy.generate import service_classes
from services.access.rules.sessions import OPERATIONS as SESSIONS
from services.groups.schemas import DEMO_GROUP
from services.referrals.usecases import tasks
from tests.support.client import (
    CENTRE,
    EVERY_ROLE,
    POLICE,
    THIRD,
    Answer,
    Client,
    aged_token,
    client,
    eventually,
    org_id,
)
from tests.support.files import RAW
from tests.support.network import Network
from tests.support.rows import nothing_stored, rows
from tests.support.specification import OPERATIONS, Operation

RIGHTS: dict[str, frozenset[str]] = {
    name: roles for service in service_classes() for name, roles in getattr(service, "operations", {}).items() if roles
}
# http-api.md, "Public routes"; a route that becomes public by mistake is not in this list.
PUBLIC = {
    "GET /health/live", "GET /health/ready", "GET /metrics", "GET /openapi.json", "GET /asyncapi.json", "GET /docs",
    "GET /directory/organisations", "GET /directory/organisations/{organisation}", "GET /directory/services",
    "GET /directory/services/{service}", "GET /directory/network", "GET /directory/changes", "GET /directory/export",
    "GET /directory/codes", "GET /directory/export.zip",
    "GET /directory/network/members", "GET /directory/network/initiatives/{initiative}",
    "GET /directory/network/licences", "GET /directory/network/facilitators",
    "GET /groups", "GET /groups/{group_id}",
    "GET /groups/certificate-keys", "GET /calendars/{token}", "POST /signups/{signup_id}/calendar",
    "POST /signups/{signup_id}/calendar/close", "POST /signups/{signup_id}/apology",
    "POST /signups/{signup_id}/again", "POST /signups/{signup_id}/contact",
    "POST /signups/{signup_id}/erase", "POST /signups/{signup_id}/erase/undo",
    "POST /directory/reports", "GET /hsds", "GET /hsds/", "GET /hsds/profile",
    "GET /hsds/services", "GET /hsds/services/{id}", "GET /hsds/organizations",
    "GET /hsds/organizations/{id}", "GET /hsds/service_at_locations",
    "GET /hsds/service_at_locations/{id}",
    "GET /hsds/taxonomies", "GET /hsds/taxonomies/{id}", "GET /hsds/taxonomy_terms", "GET /hsds/taxonomy_terms/{id}",
    "GET /referrals/reason-codes",
    "POST /signups", "POST /signups/card", "POST /signups/status", "POST /signups/{signup_id}/offer/accept",
    "POST /signups/{signup_id}/offer/decline", "POST /signups/{signup_id}/withdraw",
    "GET /.well-known/jwks.json", "GET /.well-known/oauth-authorization-server", "POST /oauth/token",
    "GET /fhir/metadata", "POST /access/sign-in", "POST /access/invitations/accept", "POST /access/invitations/confirm",
}  # fmt: skip
PROTECTED = sorted(set(OPERATIONS) - PUBLIC)
# Whoever sees a public thing but may not change it is told so; everything else that is foreign does not exist.
FOREIGN_BUT_PUBLIC = {"PUT /directory/services/{service}/accepting"}
SAME_FOR_ALL = {"GET /referrals/import/template.csv"}
OWN_ANSWER = {
    "POST /referrals",
    "POST /fhir/ServiceRequest",
    "POST /referrals/police-message",
    "POST /programmes",
    "POST /groups",
    "POST /access/clients",
    "POST /access/members",
    "POST /referrals/legal-templates",
}
WATCHING = {"PUT /directory/watches/{kind}/{entry}", "POST /directory/watches/{kind}/{entry}/end"}
"""Everybody watches what everybody sees."""
OF_ITS_OWN = {
    "POST /signups/hand-over",
    "GET /referrals/counts",
    "GET /referrals/legal-templates",
    "POST /referrals/legal-templates/standard",
    "GET /directory/watches",
    *WATCHING,
}
"""Without an id of anything that is somebody's; their own tests say whose they are."""
BY_FOCUS = "POST /fhir/Task"  # its body says of which referral
SERVICE = "lt-kavkc-behaviour-change"
# Open to every role, because the session in the cookie decides; a token alone gets nowhere there.
OF_A_SESSION = {name for name in PROTECTED if OPERATIONS[name].operation in SESSIONS}
DATABASES = ("referrals", "groups", "directory", "subscriptions", "access")


@dataclass
class Stage:
    """Things that belong to the police and the centre, and those who try to reach them."""

    demo: Network
    places: dict[str, str]

    def path(self, operation: Operation) -> str:
        """The path to the existing thing, with the query it needs."""
        needed = [each for each in operation.parameters if each["in"] == "query" and each.get("required")]
        query = "&".join(f"{each['name']}={each['schema']['enum'][-1]}" for each in needed)
        path = operation.path.format(**self.places)
        return f"{path}?{query}" if query else path

    def ask(self, by: Client, operation: Operation) -> Answer:
        """The request that its owner would make."""
        version = '"1"' if operation.needs_version else None
        body = operation.example if operation.has_body else None
        raw, headers = RAW.get(operation.name, (body, None))
        return by.ask(operation.method, self.path(operation), raw, version=version, headers=headers)


@pytest.fixture(scope="module")
def stage(demo: Network) -> Stage:
    police, centre = client(demo.settings, POLICE), client(demo.settings, CENTRE)
    example = OPERATIONS["POST /referrals"].example
    referral = eventually(lambda: found if (found := police.post("/referrals", example)).status == 201 else None)
    draft = centre.post("/groups", OPERATIONS["POST /groups"].example)
    assert draft.status == 201, draft.raw
    places = {
        "referral_id": referral.body["id"],
        "group_id": draft.body["id"],
        "service": SERVICE,
        "no": "1",
        "pair_id": str(uuid4()),
        "glass_id": str(uuid4()),
        "programme_id": centre.post("/programmes", OPERATIONS["POST /programmes"].example).body["id"],
    }
    places["signup_id"] = str(uuid4())  # nobody signs up for a draft
    system = centre.post("/access/clients", OPERATIONS["POST /access/clients"].example)
    assert system.status == 201, system.raw
    places |= {"event_id": str(uuid4()), "attachment_id": str(uuid4()), "client_id": system.body["id"]}
    member = centre.post("/access/members", {**OPERATIONS["POST /access/members"].example, "login": "m@example.org"})
    assert member.status == 201, member.raw
    places |= {"member_id": member.body["member"]["id"], "session_id": str(uuid4())}
    database = Database(demo.settings, "referrals")
    with database.background("test", org=org_id(CENTRE)) as work:
        tasks.add(work, org_id(CENTRE), UUID(referral.body["id"]), "answer_late", clock.now())
    database.close()
    mine = "SELECT id::text FROM task WHERE referral_id = %s"
    places["task_id"] = rows(demo.settings, "referrals", mine, (referral.body["id"],))[0][0]
    places |= area_and_template(demo, police, centre)
    places |= {"proposal": proposal(demo), "section": "services", "mark": SERVICE}
    places |= {"kind": "services", "entry": SERVICE, "report": report(demo)}
    places["key"] = referral.body["id"]  # of no sign-up: an officer of groups finds nothing there
    return Stage(demo, places)


def proposal(demo: Network) -> str:
    """A change that somebody of the centre has proposed."""
    person = client(demo.settings, CENTRE, subject="member:one")
    based_on = person.get(f"/directory/services/{SERVICE}").body["version"]
    made = person.post(
        "/directory/proposals", {**OPERATIONS["POST /directory/proposals"].example, "based_on": based_on}
    )
    assert made.status == 201, made.raw
    return str(made.body["id"])


def report(demo: Network) -> str:
    """What somebody said is wrong with an entry of the centre."""
    made = client(demo.settings).post("/directory/reports", OPERATIONS["POST /directory/reports"].example)
    assert made.status == 201, made.raw
    return str(made.body["id"])


def area_and_template(demo: Network, police: Client, centre: Client) -> dict[str, str]:
    """A card of the area queue at the centre, and a template that the centre alone has."""
    example = OPERATIONS["POST /referrals"].example
    queued = police.post("/referrals", {**example, "service": None, "area": "LT:Kaunas"})
    assert queued.status == 201, queued.raw
    mine = "SELECT id::text FROM area_offer WHERE leg_id = %s AND org_id = %s"
    offer = rows(demo.settings, "referrals", mine, (queued.body["id"], org_id(CENTRE)))[0][0]
    template = {**OPERATIONS["POST /referrals/legal-templates"].example, "name": "the-centres-own"}
    assert centre.post("/referrals/legal-templates", template).status in {201, 409}
    return {"offer_id": offer, "name": "the-centres-own"}


def by_token(stage: Stage, token: str) -> Client:
    return Client(stage.demo.settings.url_of("gateway"), token)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_route_has_a_row_of_rights_or_is_public_on_purpose(name: str) -> None:
    operation = OPERATIONS[name]
    if operation.service == "gateway":
        assert name in PUBLIC
        return
    assert operation.operation, "a route names its operation"
    assert operation.public == (name in PUBLIC)
    if not operation.public:
        assert RIGHTS[operation.operation] <= EVERY_ROLE  # a missing row is a KeyError, an invented role fails here


@pytest.mark.parametrize("name", PROTECTED)
def test_nobody_is_asked_for_a_token(stage: Stage, name: str) -> None:
    answer = stage.ask(client(stage.demo.settings), OPERATIONS[name])
    assert (answer.status, answer.code) == (401, "token.missing")


@pytest.mark.parametrize("name", PROTECTED)
def test_an_expired_token_is_none(stage: Stage, name: str) -> None:
    old = by_token(stage, aged_token(stage.demo.settings, CENTRE, age=400, life=300))
    answer = stage.ask(old, OPERATIONS[name])
    assert (answer.status, answer.code) == (401, "token.invalid")


def test_the_same_token_was_good_before(stage: Stage) -> None:
    young = by_token(stage, aged_token(stage.demo.settings, CENTRE, age=200, life=300))
    assert young.get("/referrals/inbox").status == 200


@pytest.mark.parametrize("name", PROTECTED)
def test_every_other_role_together_is_not_enough(stage: Stage, name: str) -> None:
    operation = OPERATIONS[name]
    assert operation.operation is not None
    others = EVERY_ROLE - RIGHTS[operation.operation]
    for owner in (POLICE, CENTRE):
        answer = stage.ask(client(stage.demo.settings, owner, roles=others), operation)
        assert (answer.status, answer.code) == (403, "operation.not_allowed")


@pytest.mark.parametrize("name", PROTECTED)
def test_each_role_of_the_row_gets_past_the_door(stage: Stage, name: str) -> None:
    """The control of the one above: one role of the row is enough, so it is the role that was refused there."""
    operation = OPERATIONS[name]
    assert operation.operation is not None
    for role in sorted(RIGHTS[operation.operation]):
        answer = stage.ask(client(stage.demo.settings, THIRD, roles={role}), operation)
        refused = answer.status == 403 and answer.code == "operation.not_allowed"
        assert not refused, (role, answer.raw)
        assert answer.status != 401


@pytest.mark.parametrize("name", PROTECTED)
def test_a_third_organisation_reaches_nothing_of_others(stage: Stage, name: str) -> None:
    operation = OPERATIONS[name]
    third = client(stage.demo.settings, THIRD)
    if name in OWN_ANSWER:
        answer = stage.ask(third, operation)
        assert answer.status == 201
        assert_is_own(answer.body)
        return
    answer = stage.ask(third, operation)
    refusals = refusals_of(operation)
    if refusals:
        assert (answer.status, answer.code) in refusals
    elif operation.operation in {*OPERATORS, *AUDITORS} or name in SAME_FOR_ALL | OF_ITS_OWN or is_report(name):
        assert answer.status in {
            200,
            201,
        }  # by ids and codes; tests/integration/test_audit_http.py says whose rows those are
    else:
        assert answer.status == 200
        assert_only_own(stage, answer)


def is_report(name: str) -> bool:
    """Figures of the caller's own rows; tests/integration/test_lists.py and test_groups_indicators.py."""
    return "/reports/" in name or "indicators" in name


REFUSED_THERE = {
    "proposal.create": (403, "proposal.needs_person"),
    "directory.import": (403, "import.needs_person"),
    "referral.set_clock": (422, "service.unknown"),  # services are public; this one is none of its own
    "apart.add": (422, "apart.not_linked"),
    "notification.confirm": (422, "code.unknown"),  # a code of others, and one that never was
}


def refusals_of(operation: Operation) -> set[tuple[int, str]]:
    """How a third organisation is refused there; nothing where it gets an answer of its own."""
    if operation.name in OF_A_SESSION:
        return {(403, "session.needed"), (403, "step_up.required")}
    if operation.name in FOREIGN_BUT_PUBLIC:
        return {(403, "service.not_own")}
    if operation.name in WATCHING:
        return set()
    if operation.operation in REFUSED_THERE:
        return {REFUSED_THERE[operation.operation]}
    return {(404, "resource.not_found")} if operation.places or operation.name == BY_FOCUS else set()


def assert_is_own(body: dict[str, Any]) -> None:
    if body.get("resourceType"):
        assert body["requester"]["identifier"]["value"] == THIRD
        return
    owners = [body[side]["id"] for side in ("sender", "organisation", "owner") if body.get(side)]
    assert owners in ([str(org_id(THIRD))], []), body
    assert all(each not in str(owners) for each in (str(org_id(POLICE)), str(org_id(CENTRE))))


OWNED = """
SELECT id::text FROM sender_record WHERE org_id = %s UNION SELECT id::text FROM receiver_case WHERE org_id = %s
UNION SELECT id::text FROM area_offer WHERE org_id = %s
"""
MEMBERS = "SELECT id::text FROM member WHERE org_id = %s"
MADE = """
SELECT id::text FROM programme WHERE org_id = %s UNION SELECT id::text FROM peer_group WHERE org_id = %s
"""
SYSTEMS = "SELECT id::text FROM client WHERE org_id = %s"


def assert_only_own(stage: Stage, answer: Answer) -> None:
    """What is listed belongs to the third organisation by the owner column, read as the superuser."""
    me, settings = org_id(THIRD), stage.demo.settings
    stored = (
        ("referrals", OWNED, (me, me, me)),
        ("groups", MADE, (me, me)),
        ("access", SYSTEMS, (me,)),
        ("access", MEMBERS, (me,)),
    )
    own = {each for place, query, who in stored for (each,) in rows(settings, place, query, who)}
    assert {item["id"] for item in answer.items} <= own
    for event in answer.events:
        assert event["stream"] == f"org:{me}"


def test_a_third_organisation_leaves_no_trace_in_things_of_others(stage: Stage) -> None:
    third = client(stage.demo.settings, THIRD)
    tried = [OPERATIONS[name] for name in PROTECTED if OPERATIONS[name].places and name not in WATCHING]
    assert len(tried) >= 8
    for database in DATABASES:
        with nothing_stored(stage.demo.settings, database):
            for operation in tried:
                assert stage.ask(third, operation).status in {403, 404}


@pytest.mark.parametrize("name", sorted(name for name in PUBLIC if OPERATIONS[name].method == "GET"))
def test_public_pages_show_a_third_organisation_what_they_show_nobody(stage: Stage, name: str) -> None:
    operation = OPERATIONS[name]
    places = {"organisation": CENTRE, "service": SERVICE, "group_id": str(DEMO_GROUP), "token": calendar_token(stage)}
    places["initiative"] = "nordic-baltic-mcc"
    if "{id}" in operation.path:
        listed = client(stage.demo.settings).get(operation.path.removesuffix("/{id}")).body["contents"]
        places["id"] = listed[0]["id"]
    path = operation.path.format(**places)
    nobody, third = (by.get(path) for by in (client(stage.demo.settings), client(stage.demo.settings, THIRD)))
    assert nobody.status == third.status == 200
    if name not in {"GET /metrics", "GET /health/ready"}:
        assert nobody.raw == third.raw


def calendar_token(stage: Stage) -> str:
    """What a leader of the centre has for the demo's group."""
    leader = client(stage.demo.settings, CENTRE, subject="user:demo-leader-1")
    path = leader.post(f"/groups/{DEMO_GROUP}/calendar", {"language": "lt"}).body["path"]
    return str(path).rpartition("/")[2]


def test_a_draft_of_others_is_on_no_public_page(stage: Stage) -> None:
    draft = stage.places["group_id"]
    for by in (client(stage.demo.settings), client(stage.demo.settings, THIRD)):
        assert by.get(f"/groups/{draft}").status == 404
        assert draft not in by.get("/groups?limit=200").raw.decode()
    assert client(stage.demo.settings, CENTRE).get(f"/groups/{draft}").status == 200
