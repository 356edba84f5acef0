"""Bad content through the gateway: the documented answer, and nothing stored."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest

from tests.support import readme
from tests.support.client import CENTRE, POLICE, THIRD, Answer, Client, client, eventually
from tests.support.network import Network
from tests.support.problems import PROBLEM, problem
from tests.support.rows import counts, nothing_stored

CLOSED = "fi-poikien-puhelin"


@pytest.fixture(scope="module")
def police(demo: Network) -> Client:
    found = client(demo.settings, POLICE)
    eventually(lambda: found.post("/referrals", readme.referral()).status == 201)  # the directory has arrived
    return found


@pytest.fixture(scope="module")
def centre(demo: Network, police: Client) -> Client:
    return client(demo.settings, CENTRE)


@pytest.fixture
def unchanged(demo: Network, police: Client) -> Iterator[None]:
    """Nothing of the test is stored."""
    with nothing_stored(demo.settings):
        yield


@pytest.fixture
def referral(police: Client) -> Answer:
    answer = police.post("/referrals", readme.referral())
    assert answer.status == 201
    return answer


def changed(**changes: Any) -> dict[str, Any]:
    return {**readme.referral(), **changes}


@pytest.mark.parametrize(
    "raw",
    [
        b" ", b"{", b"nothing", b'{"service": "x",}', b"\xff\xfe", b'{"reason": NaN}', b"[" * 5000,
        b'{"a":' * 30 + b"1" + b"}" * 30,
    ],
    ids=["blank", "cut", "word", "comma", "bytes", "nan", "brackets", "deep"],
)  # fmt: skip
@pytest.mark.usefixtures("unchanged")
def test_malformed_json(police: Client, raw: bytes) -> None:
    answer = police.post("/referrals", raw)
    assert (answer.status, answer.kind) == (400, PROBLEM)
    assert answer.body["code"].startswith("json.")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"colour": "red"}, "/colour"),
        ({"person": {"name": "Demo", "birth_year": 1985, "shoe_size": 44}}, "/person/shoe_size"),
        ({"person": "Demo"}, "/person"),
        ({"person": {"name": "Demo", "birth_year": "1985"}}, "/person/birth_year"),
        ({"person": {"name": 17, "birth_year": 1985}}, "/person/name"),
        ({"person": {"name": "Demo", "birth_year": True}}, "/person/birth_year"),
        ({"ordered": "false"}, "/ordered"),
        ({"ordered": True}, "/order_reference"),
        ({"needs": []}, "/needs"),
        ({"needs": ["violence_own_use", "gold"]}, "/needs/1"),
        ({"urgency": "now"}, "/urgency"),
        ({"reason": "x" * 4001}, "/reason"),
        ({"contact_via": None}, "/contact"),
        ({"contact": {"channel": "phone", "value": "12", "safe": "yes"}}, "/contact/value"),
        ({"service": None}, "/service"),
        ({"service": "lt-nobody"}, "/service"),
        ({"service": str(uuid.uuid4())}, "/service"),
        ({"receiver": "lt-nobody"}, "/receiver"),
        ({"receiver": POLICE, "service": None}, "/receiver"),
        ({"service": CLOSED}, "/service"),
        ({"urgency": "crisis"}, "/urgency"),
    ],
)
@pytest.mark.usefixtures("unchanged")
def test_unfit_content(police: Client, change: dict[str, Any], pointer: str) -> None:
    answer = police.post("/referrals", changed(**change))
    assert (answer.status, answer.kind) == (422, PROBLEM), answer.raw
    faults = answer.body["errors"]
    assert pointer in [fault["pointer"] for fault in faults], faults
    assert all(fault["code"] and fault["detail"] for fault in faults)


@pytest.mark.usefixtures("unchanged")
def test_a_closed_service_and_an_unknown_receiver_say_so(police: Client) -> None:
    problem(police.post("/referrals", changed(service=CLOSED)), 422, "service.closed")
    problem(police.post("/referrals", changed(receiver="lt-nobody")), 422, "receiver.unknown")


@pytest.mark.parametrize("body", [[], "text", 5, None], ids=["list", "text", "number", "null"])
@pytest.mark.usefixtures("unchanged")
def test_a_body_that_is_no_object(police: Client, body: object) -> None:
    answer = police.post("/referrals", orjson.dumps(body))
    assert (answer.status, answer.kind) == (422, PROBLEM), answer.raw


@pytest.mark.usefixtures("unchanged")
def test_repeated_members_and_another_media_type(police: Client) -> None:
    twice = orjson.dumps(readme.referral())[:-1] + b',"urgency":"planned"}'
    problem(police.post("/referrals", twice), 422, "body.repeated_field")
    form = police.post("/referrals", b"a=b", headers={"Content-Type": "application/x-www-form-urlencoded"})
    problem(form, 415, "body.wrong_media_type")


def test_a_foreign_referral_answers_as_one_that_does_not_exist(
    demo: Network, police: Client, centre: Client, referral: Answer
) -> None:
    third = client(demo.settings, THIRD)
    known = str(referral.body["id"])
    asked: dict[str, Callable[[Client, str], Answer]] = {
        "read": lambda by, which: by.get(f"/referrals/{which}"),
        "history": lambda by, which: by.get(f"/referrals/{which}/history"),
        "acknowledge": lambda by, which: by.post(f"/referrals/{which}/acknowledge", {}, version='"1"'),
        "accept": lambda by, which: by.post(
            f"/referrals/{which}/accept", {"responsible": "x", "next_step_on": "2027-01-11"}, version='"1"'
        ),
        "decline": lambda by, which: by.post(f"/referrals/{which}/decline", {"reason": "no_capacity"}, version='"1"'),
        "withdraw": lambda by, which: by.post(f"/referrals/{which}/withdraw", {"reason": "mistaken"}, version='"1"'),
    }
    assert centre.get(f"/referrals/{known}").status == 200
    with nothing_stored(demo.settings):
        for name, ask in asked.items():
            foreign, unknown = ask(third, known), ask(third, str(uuid.uuid4()))
            first, second = (problem(answer, 404, "resource.not_found") for answer in (foreign, unknown))
            assert {**first, "instance": ""} == {**second, "instance": ""}, name
    assert police.get(f"/referrals/{known}").raw == referral.raw


def test_a_second_submit_gets_the_same_answer_and_makes_nothing(demo: Network, police: Client) -> None:
    key = str(uuid.uuid4())
    first = police.post("/referrals", readme.referral(), key=key)
    with nothing_stored(demo.settings):
        again = police.post("/referrals", readme.referral(), key=key)
        assert (again.status, again.raw) == (first.status, first.raw) == (201, first.raw)
        assert (again.version, again.headers["Location"]) == (first.version, first.headers["Location"])
        other = police.post("/referrals", changed(urgency="planned"), key=key)
        problem(other, 422, "idempotency_key.reused")
    before = counts(demo.settings, "referrals")["leg"]
    assert police.post("/referrals", readme.referral()).status == 201  # another key is another referral
    assert counts(demo.settings, "referrals")["leg"] == before + 1


def test_one_key_at_once_from_many_sides_makes_one_referral(demo: Network, police: Client) -> None:
    key, before = str(uuid.uuid4()), counts(demo.settings, "referrals")["leg"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: police.post("/referrals", readme.referral(), key=key), range(16)))
    made = {answer.raw for answer in answers if answer.status == 201}
    assert len(made) == 1
    for answer in answers:
        if answer.status != 201:
            problem(answer, 409, "idempotency_key.in_progress")
    assert counts(demo.settings, "referrals")["leg"] == before + 1


def test_a_second_transition_by_the_same_key_is_done_once(demo: Network, centre: Client, referral: Answer) -> None:
    path, key = f"/referrals/{referral.body['id']}/acknowledge", str(uuid.uuid4())
    first = centre.post(path, {}, key=key, version='"1"')
    assert first.status == 200
    with nothing_stored(demo.settings):
        again = centre.post(path, {}, key=key, version='"1"')
        assert (again.status, again.raw) == (200, first.raw)


def test_a_stale_version_and_a_missing_one(demo: Network, police: Client, centre: Client, referral: Answer) -> None:
    path = f"/referrals/{referral.body['id']}"
    assert centre.post(f"{path}/acknowledge", {}, version='"1"').status == 200
    accept = {"responsible": "Intake team", "next_step_on": "2027-01-11"}
    with nothing_stored(demo.settings):
        problem(centre.post(f"{path}/accept", accept, version='"1"'), 412, "referral.stale")
        problem(centre.post(f"{path}/accept", accept, version='"abc"'), 412, "if_match.stale")
        problem(centre.post(f"{path}/accept", accept), 428, "if_match.missing")
        problem(centre.post(f"{path}/accept", accept, version="*"), 400, "if_match.malformed")
        done = problem(centre.post(f"{path}/acknowledge", {}, version='"2"'), 409, "referral.not_possible")
        assert {"accept", "decline"} < set(done["allowed_actions"])
        problem(police.post(f"{path}/accept", accept, version='"2"'), 403, "referral.wrong_side")


@pytest.mark.usefixtures("unchanged")
def test_idempotency_keys_that_are_missing_or_unfit(police: Client) -> None:
    problem(police.post("/referrals", readme.referral(), key=""), 400, "idempotency_key.missing")
    problem(police.post("/referrals", readme.referral(), key="x" * 256), 400, "idempotency_key.malformed")
    problem(police.post("/referrals", readme.referral(), key="two words"), 400, "idempotency_key.malformed")
