"""Bad input through the gateway: the documented answer, and nothing stored."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from tests.support import readme
from tests.support.client import CENTRE, POLICE, THIRD, Answer, Client, client, drained, eventually, exchange
from tests.support.network import Network
from tests.support.rows import counts, nothing_stored

PROBLEM = "application/problem+json"
MEMBERS = {"type", "title", "status", "detail", "code", "instance"}
SLOW_SECONDS = 10.0
MIB = 1 << 20
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


def problem(answer: Answer, status: int, code: str) -> dict[str, Any]:
    """Assert that it is this problem, and nothing that tells about our inside."""
    assert (answer.status, answer.kind) == (status, PROBLEM), answer.raw
    body: dict[str, Any] = answer.body
    assert (body["status"], body["code"]) == (status, code), body
    assert set(body) >= MEMBERS
    assert body["instance"] == answer.headers["X-Request-Id"]
    for word in (b"Traceback", b"psycopg", b"marshmallow", b"File ", b"Error("):
        assert word not in answer.raw
    return body


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
        assert done["allowed_actions"] == ["accept", "decline"]
        problem(police.post(f"{path}/accept", accept, version='"2"'), 403, "referral.wrong_side")


@pytest.mark.usefixtures("unchanged")
def test_idempotency_keys_that_are_missing_or_unfit(police: Client) -> None:
    problem(police.post("/referrals", readme.referral(), key=""), 400, "idempotency_key.missing")
    problem(police.post("/referrals", readme.referral(), key="x" * 256), 400, "idempotency_key.malformed")
    problem(police.post("/referrals", readme.referral(), key="two words"), 400, "idempotency_key.malformed")


@pytest.mark.usefixtures("unchanged")
def test_an_oversized_body(police: Client) -> None:
    problem(police.post("/referrals", changed(reason="x" * MIB)), 413, "body.too_large")


def head(police: Client, *lines: str, path: str = "/referrals", method: str = "POST") -> bytes:
    first = (
        f"{method} {path} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nAuthorization: Bearer {police.token}\r\n"
    )
    return (first + "".join(f"{line}\r\n" for line in lines) + "\r\n").encode("latin-1")


def framed(pieces: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def test_a_chunked_body_works_and_a_too_long_one_ends(demo: Network, police: Client) -> None:
    raw = orjson.dumps(readme.referral())
    pieces = [raw[start : start + 50] for start in range(0, len(raw), 50)]
    lines = ("Content-Type: application/json", "Transfer-Encoding: chunked")
    good = exchange(demo.settings, head(police, f"Idempotency-Key: {uuid.uuid4()}", *lines) + framed(pieces))
    assert good.startswith(b"HTTP/1.1 201 ")
    with nothing_stored(demo.settings):
        long = framed([b" " * 65536] * 17)
        assert exchange(demo.settings, head(police, *lines) + long).startswith(b"HTTP/1.1 413 ")
        cut = framed(pieces).replace(b"\r\n0\r\n\r\n", b"\r\nzz\r\n")
        assert exchange(demo.settings, head(police, *lines) + cut).startswith(b"HTTP/1.1 400 ")


@pytest.mark.slow
@pytest.mark.usefixtures("unchanged")
def test_slow_clients_are_ended_and_others_are_served_meanwhile(demo: Network, police: Client) -> None:
    beginnings = [
        b"POST /referrals HTTP/1.1\r\nHost: gateway\r\n",  # never ends its headers
        head(police, "Content-Type: application/json", "Content-Length: 400") + b'{"service"',  # nor its body
        head(police, "Content-Type: application/json", "Transfer-Encoding: chunked") + b"5\r\n{",
    ]
    begun = time.monotonic()
    sockets = []
    for sent in beginnings:
        sock = socket.create_connection((demo.settings.host, demo.settings.port), timeout=SLOW_SECONDS * 2)
        sock.sendall(sent)
        sockets.append(sock)
    assert police.get("/referrals/sent").status == 200
    for sock in sockets:
        with sock:
            answer = drained(sock)
        assert answer.startswith(b"HTTP/1.1 408 "), answer
        assert PROBLEM.encode() in answer
    assert SLOW_SECONDS - 1 < time.monotonic() - begun < SLOW_SECONDS + 5


@pytest.mark.usefixtures("unchanged")
def test_unknown_paths_methods_and_ids(demo: Network, police: Client) -> None:
    for path in ("/nothing", "/referrals/abc", "/referrals/", "/health"):
        problem(police.get(path), 404, "resource.not_found")
    for path, status in (("/referrals/../referrals/sent", 404), ("//referrals/sent", 404), ("/%00", 400)):
        lost = exchange(demo.settings, head(police, method="GET", path=path))
        assert lost.startswith(b"HTTP/1.1 %d " % status), lost
        assert PROBLEM.encode() in lost
    for method, path, allow in (
        ("DELETE", "/referrals", "POST"),
        ("PUT", f"/referrals/{uuid.uuid4()}", "GET"),
        ("POST", "/referrals/inbox", "GET"),
        ("POST", "/health/live", "GET"),
    ):
        answer = police.ask(method, path, {})
        problem(answer, 405, "method.not_allowed")
        assert allow in answer.headers["Allow"]
    lost = exchange(demo.settings, head(police, method="BREW"))
    assert lost.startswith(b"HTTP/1.1 405 ")
    assert PROBLEM.encode() in lost


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "limit=1&limit=2", "state=gone", "colour=red", "cursor=%27"]
)
def test_unfit_queries(police: Client, query: str) -> None:
    answer = police.get(f"/referrals/sent?{query}")
    assert (answer.status, answer.kind) == (400, PROBLEM), answer.raw


@pytest.mark.usefixtures("unchanged")
def test_no_token_a_broken_one_and_a_wrong_role(demo: Network, police: Client) -> None:
    nobody, reader = client(demo.settings), client(demo.settings, POLICE, roles={"subscriber"})
    missing = nobody.post("/referrals", readme.referral())
    problem(missing, 401, "token.missing")
    assert missing.headers["WWW-Authenticate"] == "Bearer"
    for broken in ("abc", f"{police.token}x", str(police.token).rpartition(".")[0] + "."):
        problem(Client(nobody.url, broken).post("/referrals", readme.referral()), 401, "token.invalid")
    problem(reader.post("/referrals", readme.referral()), 403, "operation.not_allowed")


@pytest.mark.usefixtures("unchanged")
def test_headers_that_try_to_slip_something_in(demo: Network, police: Client) -> None:
    broken = [
        head(police, "X-Request-Id: a\nX-Evil: 1"),
        head(police, "X-Request-Id: a\rX-Evil: 1"),
        head(police, "X-Folded: a\r\n  X-Evil: 1"),
        head(police, "X-Evil : 1"),
        head(police, "Content-Length: 5", "Content-Length: 6"),
        head(police, "Content-Length: 5", "Transfer-Encoding: chunked"),
        head(police, "Content-Length: +5"),
        head(police, "Authorization: Bearer other"),
        head(police).replace(b"HTTP/1.1", b"HTTP/1.1 X-Evil: 1"),
    ]
    for sent in broken:
        answer = exchange(demo.settings, sent)
        assert answer.startswith(b"HTTP/1.1 400 "), (sent, answer)
        assert b"evil" not in answer.lower()
    for name in ("X-Request-Id", "traceparent", "Idempotency-Key"):
        answer = exchange(demo.settings, head(police, f"{name}: \u00e9<script>", method="GET", path="/referrals/sent"))
        assert answer.startswith(b"HTTP/1.1 200 "), answer
        assert b"<script>" not in answer
    lines = head(police, method="GET", path="/referrals/%0d%0aX-Evil:%201")
    top = exchange(demo.settings, lines).partition(b"\r\n\r\n")[0]
    assert top.startswith(b"HTTP/1.1 400 ")
    assert b"evil" not in top.lower()
