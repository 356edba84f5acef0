"""FHIR R4 through the gateway: media types, tags, refusals, and a case from request to completion by Tasks alone."""

from __future__ import annotations

import copy
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest

from services.referrals.schemas.fhir import REQUEST_EXAMPLE
from services.referrals.schemas.fhir_task import CHANGE_EXAMPLE
from tests.support.client import CENTRE, POLICE, THIRD, Answer, Client, client, eventually, token
from tests.support.fhir import business, check, entries, value_of
from tests.support.network import Network

GUIDE = Path(__file__).parents[2] / "docs" / "fhir.md"
FHIR = "application/fhir+json"
REQUESTS, TASKS = "/fhir/ServiceRequest", "/fhir/Task"


@pytest.fixture(scope="module")
def police(demo: Network) -> Iterator[Client]:
    found = client(demo.settings, POLICE)
    eventually(lambda: found.post(REQUESTS, REQUEST_EXAMPLE).status == 201)  # the directory has arrived
    return found


@pytest.fixture(scope="module")
def centre(demo: Network) -> Client:
    return client(demo.settings, CENTRE)


def moved(by: Client, referral: str, status: str, **more: Any) -> Answer:
    """The Task with this status, put at the version that was read."""
    version = by.get(f"{TASKS}/{referral}").version
    return by.ask("PUT", f"{TASKS}/{referral}", {**CHANGE_EXAMPLE, "status": status, **more}, version=version)


def inputs(**told: Any) -> dict[str, Any]:
    return {"input": [part for name, value in told.items() for part in value_of(name, value)]}


def made(by: Client) -> str:
    answer = by.post(REQUESTS, REQUEST_EXAMPLE)
    assert answer.status == 201, answer.raw
    return str(answer.body["id"])


def test_what_is_spoken_is_told_to_everybody(demo: Network, shared: Path) -> None:
    answer = client(demo.settings).get("/fhir/metadata")
    assert (answer.status, answer.kind) == (200, FHIR)
    check(shared, answer.body)
    assert answer.body["implementation"]["url"].endswith("/fhir")


def test_a_request_is_made_read_and_not_sent_again_unchanged(police: Client, shared: Path) -> None:
    answer = police.ask("POST", REQUESTS, REQUEST_EXAMPLE, headers={"Content-Type": f"{FHIR}; charset=utf-8"})
    assert (answer.status, answer.kind, answer.version) == (201, FHIR, 'W/"1"')
    check(shared, answer.body)
    location = answer.headers["Location"]
    assert location == f"{REQUESTS}/{answer.body['id']}"
    again = police.get(location)
    assert again.body == answer.body
    assert again.headers["Last-Modified"].endswith("GMT")
    unchanged = police.ask("GET", location, headers={"If-None-Match": answer.version})
    assert (unchanged.status, unchanged.raw) == (304, b"")
    plain = police.get(f"/referrals/{answer.body['id']}")
    assert plain.body["person"]["name"] == answer.body["contained"][0]["name"][0]["text"]


def test_little_is_answered_where_little_is_wanted(police: Client) -> None:
    answer = police.ask("POST", REQUESTS, REQUEST_EXAMPLE, headers={"Prefer": "return=minimal"})
    assert (answer.status, answer.raw, answer.version) == (201, b"", 'W/"1"')
    assert police.get(answer.headers["Location"]).status == 200
    assert police.ask("GET", answer.headers["Location"], headers={"Prefer": "return=minimal"}).raw


def test_a_case_goes_its_whole_way_by_tasks(police: Client, centre: Client, shared: Path) -> None:
    referral = made(police)
    steps = [
        (centre, "received", {}, "received"),
        (centre, "received", {"businessStatus": business("info_requested"), **inputs(question="When?")}, "received"),
        (police, "received", inputs(answer="On Monday."), "received"),
        (centre, "accepted", inputs(responsible="Intake team", next_step_on="2026-12-01"), "accepted"),
        (
            centre,
            "accepted",
            {"businessStatus": business("waitlisted"), **inputs(review_on="2026-12-22")},
            "accepted",
        ),
        (centre, "in-progress", inputs(started_on="2026-12-14", how="first_session"), "in-progress"),
        (
            centre,
            "completed",
            inputs(
                ended_on="2027-03-01",
                outcome="completed",
                goals=[{"goal": "Leaves a quarrel in time", "level": "achieved"}],
                attendance={"held": 12, "attended": 11, "excused": 1, "absent": 0},
            ),
            "completed",
        ),
    ]
    for by, status, more, reached in steps:
        answer = moved(by, referral, status, **more)
        assert answer.status == 200, (status, answer.raw)
        assert answer.body["status"] == reached
        check(shared, answer.body)
        for reader in (police, centre):
            for path in (REQUESTS, TASKS):
                check(shared, reader.get(f"{path}/{referral}").body)
    seen = police.get(f"{TASKS}/{referral}").body
    assert seen["businessStatus"]["coding"][0]["code"] == "closed"  # received_only
    assert centre.get(f"/referrals/{referral}").body["state"] == "completed"


def test_a_step_by_its_focus(police: Client, centre: Client) -> None:
    referral = made(police)
    task = {**CHANGE_EXAMPLE, "focus": {"reference": f"ServiceRequest/{referral}"}}
    answer = centre.post(TASKS, task, version='W/"1"')
    assert (answer.status, answer.headers["Location"]) == (201, f"{TASKS}/{referral}")
    assert answer.body["status"] == "received"
    assert centre.post(TASKS, task, version='W/"1"').code == "referral.stale"


def test_searches_by_links(police: Client, shared: Path) -> None:
    for _ in range(3):
        made(police)
    for path in (REQUESTS, TASKS):
        page = police.get(f"{path}?_count=2&requester=lt-police")
        assert (page.status, page.kind) == (200, FHIR)
        check(shared, page.body)
        links = {link["relation"]: link["url"] for link in page.body["link"]}
        onward = police.get(links["next"].removeprefix(police.url))
        check(shared, onward.body)
        ids = [each["id"] for each in (*entries(page.body), *entries(onward.body))]
        assert len(set(ids)) == len(ids) >= 3


def test_who_is_no_party_finds_nothing(demo: Network, police: Client, shared: Path) -> None:
    third, referral = client(demo.settings, THIRD), made(police)
    for path in (REQUESTS, TASKS):
        answer = third.get(f"{path}/{referral}")
        assert (answer.status, answer.kind, answer.code) == (404, FHIR, "resource.not_found")
        check(shared, answer.body)
        assert referral not in third.get(path).raw.decode()


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "no token": ({"token": None}, 401, "token.missing"),
    "a token of another kind": ({"token": "x"}, 401, "token.invalid"),
    "no key": ({"key": ""}, 400, "idempotency_key.missing"),
    "no JSON": ({"body": b"{"}, 400, "json.malformed"),
    "a list": ({"body": b"[]"}, 422, "type"),
    "XML": ({"headers": {"Content-Type": "application/fhir+xml"}}, 415, "body.wrong_media_type"),
    "too large": ({"body": b'{"x":"' + b"x" * (1 << 20) + b'"}'}, 413, "body.too_large"),
    "twice": ({"body": b'{"status":"active","status":"active"}'}, 422, "repeated"),
    "deep": ({"body": b"[" * 30 + b"]" * 30}, 400, "json.too_deep"),
    "a parameter": ({"path": f"{REQUESTS}?x=1"}, 400, "unknown"),
    "another method": ({"method": "DELETE"}, 405, "method.not_allowed"),
    "another resource": ({"method": "GET", "path": "/fhir/Patient"}, 404, "resource.not_found"),
    "an id that is none": ({"method": "GET", "path": f"{REQUESTS}/1"}, 404, "resource.not_found"),
    "an unknown status": ({"method": "GET", "path": f"{TASKS}?status=x"}, 400, "choice"),
    "a day that is none": ({"method": "GET", "path": f"{TASKS}?_lastUpdated=x"}, 400, "pattern"),
    "too many at once": ({"method": "GET", "path": f"{TASKS}?_count=201"}, 400, "range"),
    "another form": ({"method": "GET", "path": f"{TASKS}?_format=xml"}, 400, "choice"),
    "a cursor of ones own": ({"method": "GET", "path": f"{TASKS}?_cursor=x"}, 400, "cursor.invalid"),
    "no version": ({"method": "PUT", "path": f"{TASKS}/{uuid4()}", "body": CHANGE_EXAMPLE}, 428, "if_match.missing"),
    "any version": (
        {"method": "PUT", "path": f"{TASKS}/{uuid4()}", "body": CHANGE_EXAMPLE, "version": "*"},
        400,
        "if_match.malformed",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_every_refusal_is_an_operation_outcome(police: Client, shared: Path, case: str) -> None:
    """Of the gateway and of the service behind it."""
    changes, status, code = REFUSED[case]
    asked: dict[str, Any] = {"method": "POST", "path": REQUESTS, **changes}
    body = asked.pop("body", None if asked["method"] in {"GET", "DELETE"} else REQUEST_EXAMPLE)
    by = Client(police.url, asked.pop("token", police.token))
    answer = by.ask(asked.pop("method"), asked.pop("path"), body, **asked)
    assert (answer.status, answer.kind, answer.code) == (status, FHIR, code), answer.raw
    check(shared, answer.body)


def test_bad_elements_are_named_by_their_places(police: Client, shared: Path) -> None:
    sent = copy.deepcopy(REQUEST_EXAMPLE)
    sent["contained"][0]["birthDate"] = "in 1985"
    sent["reasonCode"][0]["coding"][0]["code"] = "x"
    sent["bodySite"] = []
    del sent["subject"]
    answer = police.post(REQUESTS, sent)
    assert answer.status == 422
    check(shared, answer.body)
    assert {(issue["expression"][0], issue["code"]) for issue in answer.body["issue"]} == {
        ("ServiceRequest.contained[0].birthDate", "value"),
        ("ServiceRequest.reasonCode[0].coding[0].code", "code-invalid"),
        ("ServiceRequest.bodySite", "structure"),
        ("ServiceRequest.subject", "required"),
    }
    assert "in 1985" not in answer.raw.decode()


def test_a_step_that_is_not_possible_says_what_is(police: Client, centre: Client, shared: Path) -> None:
    referral = made(police)
    answer = moved(
        centre,
        referral,
        "completed",
        **inputs(ended_on="2027-03-01", outcome="completed", attendance=dict.fromkeys(("held", "attended"), 1)),
    )
    assert answer.status == 422  # attendance is not whole
    answer = moved(centre, referral, "failed", statusReason=reason("moved"))
    assert (answer.status, answer.code) == (409, "referral.not_possible")
    check(shared, answer.body)
    possible = {each["code"] for each in answer.body["issue"][1]["details"]["coding"]}
    assert {"acknowledge", "accept", "decline"} <= possible
    wrong = moved(police, referral, "accepted", **inputs(responsible="Me", next_step_on="2026-12-01"))
    assert (wrong.status, wrong.code) == (403, "referral.wrong_side")


def reason(code: str) -> dict[str, Any]:
    return {"coding": [{"system": "urn:tukiverkko:reason", "code": code}]}


def test_of_two_who_decide_at_once_one_wins(police: Client, centre: Client) -> None:
    referral = made(police)
    version = centre.get(f"{TASKS}/{referral}").version
    accept = {**CHANGE_EXAMPLE, "status": "accepted", **inputs(responsible="A", next_step_on="2026-12-01")}
    decline = {**CHANGE_EXAMPLE, "status": "rejected", "statusReason": reason("no_capacity")}
    answers = [centre.ask("PUT", f"{TASKS}/{referral}", body, version=version) for body in (accept, decline)]
    assert [answer.status for answer in answers] == [200, 409]
    assert answers[1].code == "referral.not_possible"


def test_the_same_key_takes_a_step_once(police: Client, centre: Client) -> None:
    referral, key = made(police), str(uuid4())
    path = f"{TASKS}/{referral}"
    one, other = (centre.ask("PUT", path, CHANGE_EXAMPLE, version='W/"1"', key=key) for _ in range(2))
    assert one.status == other.status == 200
    assert one.body == other.body
    history = centre.get(f"/referrals/{referral}/history").body["items"]
    assert [step["transition"] for step in history] == ["submit", "acknowledge"]


BLOCKS = re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def run(demo: Network, number: int, **known: str) -> Any:
    """A command of the guide, as it stands."""
    tokens = {"TOKEN": token(demo.settings, POLICE), "RECEIVER_TOKEN": token(demo.settings, CENTRE)}
    env = {**os.environ, "TUKIVERKKO_URL": demo.settings.url_of("gateway"), **tokens, **known}
    command = ("bash", "-eu", "-o", "pipefail", "-c", BLOCKS[number])
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return orjson.loads(done.stdout)


@pytest.mark.usefixtures("police")
def test_the_commands_of_the_guide_work(demo: Network, shared: Path) -> None:
    made_by_it, *_ = answers = [run(demo, 0)]
    known = {"ID": made_by_it["id"]}
    answers += [run(demo, 1, **known), run(demo, 2, **known), run(demo, 3)]
    for answer in answers:
        check(shared, answer)
    assert [answer.get("status") for answer in answers] == ["active", "requested", "accepted", None]
    assert made_by_it["id"] in str(answers[3])
    assert len(BLOCKS) == len(answers)
