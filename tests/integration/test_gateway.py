"""The gateway before a real service, before a dead one and before none (architecture.md, trap 4)."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chassis.settings import Settings
from gateway.guard import guard
from gateway.pages import EVENTS
from tests.integration.door_rig import (
    ORG,
    WORKER,
    Running,
    ask,
    base_port,
    connect,
    post,
    read,
)

SERVICE = "tests.integration.door_service"
GATEWAY = "tests.integration.gateway_process"
GROUP = f"/groups/{ORG}"
WRITE_SPEC = """
import sys, warnings
warnings.simplefilter("ignore")
import orjson
from chassis.openapi import merged
from tests.integration.door_service import DoorService
open(sys.argv[1], "wb").write(orjson.dumps(merged([DoorService])))
"""


@dataclass
class Pair:
    gateway: Running
    service: Running


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spec") / "spec.json"
    subprocess.run([sys.executable, "-c", WRITE_SPEC, str(path)], check=True, timeout=30)
    return path


@pytest.fixture(scope="module")
def start(worker: str, spec: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Running]]:
    made: list[Running] = []

    def begin(module: str, number: int) -> Running:
        base = base_port(worker, number)
        log = tmp_path_factory.mktemp("gateway") / "log"
        gateway = module == GATEWAY
        arguments = [str(spec)] if gateway else []
        made.append(Running(module, arguments, base=base, port=base if gateway else base + 1, log=log))
        return made[-1].ready()

    yield begin
    for running in made:
        running.end()


@pytest.fixture(scope="module")
def pair(start: Callable[..., Running]) -> Pair:
    return Pair(start(GATEWAY, 6), start(SERVICE, 6))


def test_answers_come_through_unchanged(pair: Pair) -> None:
    made = post(pair.gateway.port, "/groups", {"name": "Evening"})
    assert (made.status, made.headers["etag"], made.headers["location"]) == (201, '"1"', GROUP)
    assert made.json["name"] == "Evening"
    direct = post(pair.service.port, "/groups", {"name": ""}, headers=WORKER + "X-Request-Id: same\r\n")
    passed = post(pair.gateway.port, "/groups", {"name": ""}, headers=WORKER + "X-Request-Id: same\r\n")
    assert (passed.status, passed.body) == (direct.status, direct.body)
    assert passed.headers["content-type"] == "application/problem+json"


def test_steering_headers_reach_the_service(pair: Pair) -> None:
    port = pair.gateway.port
    assert ask(port, "GET", GROUP, headers=WORKER + 'If-None-Match: "3"\r\n').status == 304
    assert ask(port, "POST", f"{GROUP}/close", headers=WORKER + 'If-Match: "1"\r\n').json["allowed_actions"] == [
        "reopen"
    ]
    unfit = post(port, "/groups", {"name": "a"}, headers=WORKER + "Idempotency-Key: a b\r\n")
    assert unfit.json["code"] == "idempotency_key.malformed"
    assert ask(port, "GET", "/groups?limit=7", headers=WORKER).json["items"][0]["places"] == 7


def test_the_client_s_address_is_what_the_front_saw(pair: Pair) -> None:
    claimed = "X-Client-Address: 203.0.113.9\r\nX-Forwarded-For: 203.0.113.9\r\n"
    assert ask(pair.gateway.port, "GET", "/seen", headers=claimed).json == {"address": "127.0.0.1"}
    assert ask(pair.service.port, "GET", "/seen").json == {"address": "127.0.0.1"}


@pytest.mark.parametrize("target", [GROUP, "/groups", "/nothing", "/docs", "/openapi.json", "/health/ready", "/%zz"])
def test_every_answer_tells_browsers_to_do_nothing_with_it(pair: Pair, target: str) -> None:
    for headers in ("", WORKER):
        found = ask(pair.gateway.port, "GET", target, headers=headers).headers
        assert found["x-content-type-options"] == "nosniff"
        assert found["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in found["content-security-policy"]
        assert "frame-ancestors 'none'" in found["content-security-policy"]
        assert "access-control-allow-origin" not in found
        assert "strict-transport-security" not in found  # this front is reached by plain HTTP


def test_https_is_asked_for_where_clients_come_by_it() -> None:
    behind = Settings(home=Path(), environment={"TUKIVERKKO_PUBLIC_URL": "https://verkko.example"})
    assert guard(behind)["Strict-Transport-Security"].startswith("max-age=63072000")


def test_answers_to_those_with_a_token_are_kept_nowhere(pair: Pair) -> None:
    assert ask(pair.gateway.port, "GET", GROUP, headers=WORKER).headers["cache-control"] == "no-store"


def test_internal_routes_are_not_forwarded(pair: Pair) -> None:
    assert ask(pair.service.port, "GET", "/inside").status == 200
    assert ask(pair.gateway.port, "GET", "/inside").status == 404


@pytest.mark.parametrize(("path", "status"), [("/l/x", 503), ("/lt/l/x", 503), ("/v/x", 404), ("/fi/v/x", 404)])
def test_links_ask_their_own_service_and_always_lead_to_a_page(pair: Pair, path: str, status: int) -> None:
    """The service here stands where the directory would, and knows no link; that of referrals is away."""
    found = ask(pair.gateway.port, "GET", path)
    assert found.status == status
    assert found.headers["content-type"].startswith("text/html")
    assert ("retry-after" in found.headers) is (status == 503)


def test_one_request_has_one_id_and_one_trace_in_both_processes(pair: Pair) -> None:
    trace = f"00-{'c' * 32}-{'d' * 16}-01"
    answer = ask(pair.gateway.port, "GET", "/ping", headers=f"X-Request-Id: both-1\r\ntraceparent: {trace}\r\n")
    assert answer.headers["x-request-id"] == "both-1"
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        found = [
            line for side in (pair.gateway, pair.service) for line in side.lines() if line.get("request_id") == "both-1"
        ]
        if len(found) == 2:
            break
    assert [line["trace_id"] for line in found] == ["c" * 32] * 2


def test_tokens_are_checked_at_the_front_except_on_public_routes(pair: Pair) -> None:
    port = pair.gateway.port
    assert ask(port, "GET", GROUP).status == 401
    assert ask(port, "GET", GROUP, headers="Authorization: Bearer bad\r\n").status == 401
    assert ask(port, "GET", "/ping").json == {"pong": True}


def test_unknown_paths_end_at_the_front(pair: Pair) -> None:
    port = pair.gateway.port
    assert ask(port, "GET", "/nowhere").status == 404
    assert ask(port, "GET", "/groups/no-uuid", headers=WORKER).status == 404
    assert ask(port, "PUT", "/groups").headers["allow"] == "GET, POST"


def test_long_bodies_end_at_the_front(pair: Pair) -> None:
    with connect(pair.gateway.port) as sock:
        sock.sendall(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n")
        assert read(sock).status == 413


def test_bodies_pass_unread_and_chunked_ones_too(pair: Pair) -> None:
    with connect(pair.gateway.port) as sock:
        head = b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
        sock.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{\x00\r\n0\r\n\r\n")
        assert read(sock).json == {"length": 2}


def test_streams_pass_at_once(pair: Pair) -> None:
    with connect(pair.gateway.port) as sock:
        sock.sendall(b"GET /feed HTTP/1.1\r\nHost: x\r\n\r\n")
        begin = time.monotonic()
        got = b""
        while b"data: 0" not in got:
            got += sock.recv(4096)
        assert time.monotonic() - begin < 0.25
        while b"data: 1" not in got:
            got += sock.recv(4096)


def test_a_slow_service_costs_its_deadline_and_not_more(pair: Pair) -> None:
    begin = time.monotonic()
    answer = ask(pair.gateway.port, "GET", "/slow/8000", headers="X-Deadline-Ms: 400\r\n")
    assert (answer.status, answer.json["code"]) == (504, "deadline.passed")
    assert 0.3 < time.monotonic() - begin < 1.5


def test_own_pages(pair: Pair, spec: Path) -> None:
    port = pair.gateway.port
    assert ask(port, "GET", "/openapi.json").body == spec.read_bytes()
    assert ask(port, "GET", "/asyncapi.json").body == EVENTS.read_bytes()
    assert ask(port, "GET", "/health/ready").json["status"] == "ready"
    page = ask(port, "GET", "/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert not re.findall(rb"(?:src|href)=.(?!/)", page.body)
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert ask(port, "GET", "/docs/..%2f..%2fservice.py").status == 404
    assert ask(port, "GET", "/docs/core.py").status == 404


def test_nobody_behind_is_503_with_a_time(start: Callable[..., Running]) -> None:
    gateway = start(GATEWAY, 7)
    answer = ask(gateway.port, "GET", "/ping")
    assert (answer.status, answer.json["code"]) == (503, "service.unavailable")
    assert int(answer.headers["retry-after"]) > 0


def test_a_service_that_restarts_is_found_again(start: Callable[..., Running]) -> None:
    gateway = start(GATEWAY, 8)
    service = start(SERVICE, 8)
    assert post(gateway.port, "/groups", {"name": "a"}).status == 201
    service.end()
    assert ask(gateway.port, "GET", "/ping").status == 503
    start(SERVICE, 8)
    assert post(gateway.port, "/groups", {"name": "a"}).status == 201


def test_a_dead_back_end_costs_504_and_holds_up_no_shutdown(start: Callable[..., Running], worker: str) -> None:
    gateway = start(GATEWAY, 9)
    dead = socket.create_server(("127.0.0.1", base_port(worker, 9) + 1), backlog=50)
    try:
        begin = time.monotonic()
        assert ask(gateway.port, "GET", "/ping").status == 504
        assert 4.5 < time.monotonic() - begin < 6.5
        waiting = threading.Thread(target=_ignore_end, args=(gateway.port,))
        waiting.start()
        time.sleep(0.3)
        assert gateway.end() < 10
        assert gateway.process.returncode == 0
        waiting.join()
    finally:
        dead.close()


def test_a_change_and_a_waiting_are_never_sent_twice(start: Callable[..., Running], worker: str) -> None:
    """A service that dies after reading a POST may have done it; only the client can know whether to repeat.

    Who waits for events would wait anew, beyond its time.
    """
    gateway = start(GATEWAY, 5)
    seen: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", base_port(worker, 5) + 1))

    def read_and_die() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with sock:
                seen.append(sock.recv(65536)[:4])

    thread = threading.Thread(target=read_and_die, daemon=True)
    thread.start()
    assert post(gateway.port, "/groups", {"name": "a"}).status == 503
    assert seen == [b"POST"]
    assert ask(gateway.port, "GET", "/ping").status == 503
    assert seen[1:] == [b"GET "] * 3
    late = ask(gateway.port, "GET", "/later?wait=5")
    assert (late.status, late.json["code"]) == (503, "service.unavailable")
    assert len(seen) == 5
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def _ignore_end(port: int) -> None:
    try:
        ask(port, "GET", "/ping")
    except (AssertionError, OSError):
        return
