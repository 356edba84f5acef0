"""Bad requests through the gateway: framing, slowness, paths, tokens and headers that want more than they may."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Iterator

import orjson
import pytest

from tests.support import readme
from tests.support.client import POLICE, Client, client, drained, eventually, exchange
from tests.support.network import Network
from tests.support.problems import PROBLEM, framed, head, problem
from tests.support.rows import nothing_stored

SLOW_SECONDS = 10.0
MIB = 1 << 20


@pytest.fixture(scope="module")
def police(demo: Network) -> Client:
    found = client(demo.settings, POLICE)
    eventually(lambda: found.post("/referrals", readme.referral()).status == 201)  # the directory has arrived
    return found


@pytest.fixture
def unchanged(demo: Network, police: Client) -> Iterator[None]:
    """Nothing of the test is stored."""
    with nothing_stored(demo.settings):
        yield


@pytest.mark.usefixtures("unchanged")
def test_an_oversized_body(police: Client) -> None:
    problem(police.post("/referrals", {**readme.referral(), "reason": "x" * MIB}), 413, "body.too_large")


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
    for path, status in (("/referrals/../referrals/sent", 404), ("//referrals/sent", 404), ("/%00", 404)):
        lost = exchange(demo.settings, head(police, method="GET", path=path))
        assert lost.startswith(b"HTTP/1.1 %d " % status), lost
        assert PROBLEM.encode() in lost
    for method, path, allow in (
        ("DELETE", "/referrals", "POST"),
        ("PATCH", f"/referrals/{uuid.uuid4()}", "GET"),
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
