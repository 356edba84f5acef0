"""The door over real sockets: each fault of nameko's own web server has a test that fails without its cure."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.door_rig import (
    ORG,
    SECRET,
    SYSTEM,
    WORKER,
    Answer,
    Running,
    ask,
    base_port,
    connect,
    post,
    read,
    send,
)

MODULE = "tests.integration.door_service"
GROUP = f"/groups/{ORG}"
OCTETS = "Content-Type: application/octet-stream\r\n"
UPLOAD = b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"


@pytest.fixture(scope="module")
def start(worker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Running]]:
    made: list[Running] = []

    def begin(number: int, *arguments: str) -> Running:
        base = base_port(worker, number)
        log = tmp_path_factory.mktemp("door") / "log"
        made.append(Running(MODULE, list(arguments), base=base, port=base + 1, log=log))
        return made[-1].ready()

    yield begin
    for running in made:
        running.end()


@pytest.fixture(scope="module")
def door(start: Callable[..., Running]) -> Running:
    return start(0, "read_seconds=1.0")


def problem(answer: Answer, status: int, code: str) -> dict[str, Any]:
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json
    assert body["code"] == code
    assert body["status"] == status
    assert body["instance"] == answer.headers["x-request-id"]
    return body


# --- what a service says and the door makes of it


def test_created_object_has_version_and_place(door: Running) -> None:
    answer = post(door.port, "/groups", {"name": "Evening"})
    assert answer.status == 201
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["location"] == GROUP
    assert answer.json == {"id": str(ORG), "name": "Evening", "places": 10}


def test_list_has_items_next_and_link(door: Running) -> None:
    answer = ask(door.port, "GET", "/groups?limit=3", headers=WORKER)
    assert answer.json["items"][0]["places"] == 3
    assert answer.json["next"] == "abc"
    assert answer.headers["link"] == '</groups?limit=3&cursor=abc>; rel="next"'


def test_faults_of_a_body_have_pointers(door: Running) -> None:
    body = problem(post(door.port, "/groups", {"places": 99, "tags": ["a", 5], "who/me": 1}), 422, "body.invalid")
    found = {(fault["pointer"], fault["code"]) for fault in body["errors"]}
    assert found == {("/name", "required"), ("/places", "range"), ("/tags/1", "type"), ("/who~1me", "unknown")}


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"{", 400, "json.malformed"),
        (b"", 422, "body.invalid"),
        (b'{"name": NaN}', 400, "json.malformed"),
        (b'{"name": "a\\u0000b"}', 400, "json.null_character"),
        (b'{"name": ' + b"[" * 20 + b"]" * 20 + b"}", 400, "json.too_deep"),
        (b'{"name": ' + b"[" * 19 + b"]" * 19 + b"}", 422, "body.invalid"),
        (b'{"name": "' + b"[" * 30 + b'"}', 201, ""),
        (b'{"name": "a", "name": "b"}', 422, "body.repeated_field"),
        (b'{"name": "\\": \\":"}', 201, ""),
        (b"[]", 422, "body.invalid"),
    ],
)
def test_json_is_read_strictly(door: Running, raw: bytes, status: int, code: str) -> None:
    answer = post(door.port, "/groups", raw)
    if code:
        problem(answer, status, code)
    assert answer.status == status


def test_other_media_type_is_refused(door: Running) -> None:
    answer = ask(door.port, "POST", "/groups", headers=WORKER + "Content-Type: text/plain\r\n", body=b"{}")
    problem(answer, 415, "body.wrong_media_type")


@pytest.mark.parametrize("query", ["colour=red", "limit=3&limit=4", "limit=0", "limit=many", "limit=%ff"])
def test_unfit_queries_are_refused(door: Running, query: str) -> None:
    assert ask(door.port, "GET", f"/groups?{query}", headers=WORKER).status == 400


def test_who_may_do_what(door: Running) -> None:
    missing = ask(door.port, "GET", GROUP)
    problem(missing, 401, "token.missing")
    assert missing.headers["www-authenticate"] == "Bearer"
    bad = ask(door.port, "GET", GROUP, headers="Authorization: Bearer bad\r\n")
    assert "invalid_token" in bad.headers["www-authenticate"]
    problem(ask(door.port, "GET", GROUP, headers="Authorization: Bearer u|guest\r\n"), 403, "operation.not_allowed")


def test_known_version_needs_no_body(door: Running) -> None:
    answer = ask(door.port, "GET", GROUP, headers=WORKER + 'If-None-Match: W/"3", "2"\r\n')
    assert (answer.status, answer.headers["etag"]) == (304, '"3"')
    assert ask(door.port, "GET", GROUP, headers=WORKER + 'If-None-Match: "2"\r\n').status == 200


@pytest.mark.parametrize(
    ("match", "status", "code"),
    [
        ("", 428, "if_match.missing"),
        ("If-Match: *\r\n", 400, "if_match.malformed"),
        ('If-Match: "1", "2"\r\n', 400, "if_match.malformed"),
        ('If-Match: W/"1"\r\n', 412, "if_match.stale"),
        ('If-Match: "abc"\r\n', 412, "if_match.stale"),
        ('If-Match: "1"\r\n', 409, "group.closed"),
    ],
)
def test_versions_on_change(door: Running, match: str, status: int, code: str) -> None:
    answer = ask(door.port, "POST", f"{GROUP}/close", headers=WORKER + match)
    body = problem(answer, status, code)
    assert body.get("allowed_actions") == (["reopen"] if status == 409 else None)


def test_systems_send_an_idempotency_key(door: Running) -> None:
    problem(post(door.port, "/groups", {"name": "a"}, headers=SYSTEM), 400, "idempotency_key.missing")
    assert post(door.port, "/groups", {"name": "a"}, headers=SYSTEM + "Idempotency-Key: k-1\r\n").status == 201
    unfit = WORKER + "Idempotency-Key: a b\r\n"
    problem(post(door.port, "/groups", {"name": "a"}, headers=unfit), 400, "idempotency_key.malformed")


def test_unavailable_says_when_to_come_back(door: Running) -> None:
    answer = ask(door.port, "GET", "/away")
    problem(answer, 503, "database.unavailable")
    assert answer.headers["retry-after"] == "7"


# --- the eight faults of nameko's own server (architecture.md, trap 5)


def test_chunked_bodies_are_read(door: Running) -> None:
    body = b"3;note=x\r\nabc\r\n4\r\ndefg\r\n0\r\nTrailer: x\r\n\r\n"
    raw = f"POST /upload HTTP/1.1\r\nHost: x\r\n{OCTETS}{CHUNKED}\r\n".encode() + body
    assert send(door.port, raw).json == {"length": 7}


def test_exception_text_goes_neither_out_nor_into_the_log(door: Running) -> None:
    answer = ask(door.port, "GET", "/fault")
    body = problem(answer, 500, "fault")
    assert set(body) == {"type", "title", "status", "code", "instance"}
    assert SECRET not in door.log.read_text()
    mine = [line for line in door.lines() if line.get("request_id") == body["instance"]]
    line = next(line for line in mine if line["event"] == "request.fault")
    assert line["fault"] == "RuntimeError"
    assert not [line for line in door.lines() if line.get("logger") == "nameko.containers"]  # said once, by the door


def test_unknown_paths_and_methods_are_problems(door: Running) -> None:
    problem(ask(door.port, "GET", "/nowhere"), 404, "resource.not_found")
    problem(ask(door.port, "GET", "/groups/no-uuid", headers=WORKER), 404, "resource.not_found")
    answer = ask(door.port, "PUT", "/groups")
    problem(answer, 405, "method.not_allowed")
    assert answer.headers["allow"] == "GET, POST"


@pytest.mark.parametrize("expect", ["", "Expect: 100-continue\r\n"])
def test_long_bodies_are_refused_before_they_are_read(door: Running, expect: str) -> None:
    with connect(door.port) as sock:
        head = f"POST /upload HTTP/1.1\r\nHost: x\r\n{OCTETS}Content-Length: 200000000\r\n{expect}\r\n"
        sock.sendall(head.encode())
        problem(read(sock), 413, "body.too_large")


def test_long_chunked_bodies_are_refused(door: Running) -> None:
    with connect(door.port) as sock:
        sock.sendall(f"POST /upload HTTP/1.1\r\nHost: x\r\n{OCTETS}{CHUNKED}\r\n".encode())
        for _ in range(7):
            sock.sendall(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        problem(read(sock), 413, "body.too_large")


def test_a_client_that_waits_is_told_to_go_on(door: Running) -> None:
    with connect(door.port) as sock:
        sock.sendall(
            f"POST /upload HTTP/1.1\r\nHost: x\r\n{OCTETS}Content-Length: 3\r\nExpect: 100-continue\r\n\r\n".encode()
        )
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"abc")
        assert read(sock).json == {"length": 3}


@pytest.mark.parametrize("start_of", [b"", b"GET /ping HT", b"GET /ping HTTP/1.1\r\nHost: x\r\nX-A: "])
def test_slow_headers_end_the_connection(door: Running, start_of: bytes) -> None:
    begin = time.monotonic()
    with connect(door.port) as sock:
        sock.sendall(start_of)
        for _ in range(3):
            time.sleep(0.25)
            if start_of:
                sock.sendall(b"a")  # a byte now and then must not buy time
        problem(read(sock), 408, "request.too_slow")
        assert sock.recv(10) == b""
    assert 0.7 < time.monotonic() - begin < 4


def test_slow_bodies_end_the_connection(door: Running) -> None:
    with connect(door.port) as sock:
        sock.sendall(f"POST /upload HTTP/1.1\r\nHost: x\r\n{OCTETS}Content-Length: 10\r\n\r\nabc".encode())
        problem(read(sock), 408, "request.too_slow")
        assert sock.recv(10) == b""


@pytest.mark.parametrize("query", ["", "?wait=1"])
def test_what_comes_later_is_waited_for_whatever_way_the_request_came_in(door: Running, query: str) -> None:
    assert ask(door.port, "GET", f"/later{query}").json == {"waited": True}


def test_streams_are_not_held_back(door: Running) -> None:
    with connect(door.port) as sock:
        sock.sendall(b"GET /drip HTTP/1.1\r\nHost: x\r\n\r\n")
        begin = time.monotonic()
        got = b""
        while b"data: 0" not in got:
            got += sock.recv(4096)
        assert time.monotonic() - begin < 0.25
        assert b"data: 2" not in got


def test_probes_answer_while_all_workers_are_busy(start: Callable[..., Running]) -> None:
    door = start(1, "max_workers=2")
    threads = [threading.Thread(target=ask, args=(door.port, "GET", "/slow/1500")) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.4)
    for path in ("/health/live", "/health/ready", "/metrics"):
        begin = time.monotonic()
        assert ask(door.port, "GET", path).status == 200
        assert time.monotonic() - begin < 0.5
    full = ask(door.port, "GET", "/ping")  # two run, four wait: the next is turned away at once
    problem(full, 503, "workers.busy")
    assert full.headers["retry-after"] == "1"
    for thread in threads:
        thread.join()


def test_work_whose_deadline_passed_in_the_queue_is_not_begun(start: Callable[..., Running]) -> None:
    door = start(2, "max_workers=1")
    busy = threading.Thread(target=ask, args=(door.port, "GET", "/slow/1000"))
    busy.start()
    time.sleep(0.2)
    begin = time.monotonic()
    problem(ask(door.port, "GET", "/ping", headers="X-Deadline-Ms: 200\r\n"), 504, "deadline.passed")
    assert time.monotonic() - begin < 0.6
    problem(ask(door.port, "GET", "/ping", headers="X-Deadline-Ms: 0\r\n"), 504, "deadline.passed")
    busy.join()


def test_sigterm_finishes_what_runs_and_takes_nothing_new(start: Callable[..., Running]) -> None:
    door = start(3)
    idle, running, endless = connect(door.port), connect(door.port), connect(door.port)
    idle.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
    assert read(idle).status == 200
    running.sendall(b"GET /slow/1500 HTTP/1.1\r\nHost: x\r\n\r\n")
    endless.sendall(b"GET /feed HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(0.3)
    door.process.terminate()
    time.sleep(0.5)
    assert idle.recv(10) == b""
    with pytest.raises(ConnectionRefusedError):
        connect(door.port)
    answer = read(running)
    assert answer.json == {"slept": 1500}
    assert answer.headers["connection"] == "close"
    assert b"data: 0" in read(endless).body
    assert door.process.wait(10) == 0
    for sock in (idle, running, endless):
        sock.close()


def test_sigterm_ends_even_what_never_ends(start: Callable[..., Running]) -> None:
    door = start(4, "drain_seconds=1.0")
    with connect(door.port) as sock:
        sock.sendall(b"GET /slow/60000 HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.3)
        assert door.end() < 10.5


# --- the wire


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /ping HTTP/1.1\r\n\r\n",
        b"GET /ping HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET /ping HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
        b"GET /ping HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET /ping HTTP/1.1\r\nHost: x\r\nA: b\nB: c\r\n\r\n",
        b"GET /ping HTTP/1.1\r\nHost: x\r\nA: b\x00\r\n\r\n",
        b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        b"POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"POST /upload HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc",
        b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        UPLOAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        UPLOAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc",
    ],
)
def test_unclear_requests_are_refused(door: Running, raw: bytes) -> None:
    problem(send(door.port, raw), 400, "request.malformed")


def test_long_heads_are_refused(door: Running) -> None:
    problem(send(door.port, b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n"), 431, "headers.too_large")
    many = b"".join(b"A%d: b\r\n" % number for number in range(200))
    problem(send(door.port, b"GET /ping HTTP/1.1\r\nHost: x\r\n" + many + b"\r\n"), 431, "headers.too_large")


def test_connections_are_kept_and_pipelined_requests_answered_in_order(door: Running) -> None:
    with connect(door.port) as sock:
        sock.sendall(b"GET /slow/1 HTTP/1.1\r\nHost: x\r\n\r\nGET /slow/2 HTTP/1.1\r\nHost: x\r\n\r\n")
        got = b""
        while got.count(b"slept") < 2:
            got += sock.recv(65536)
        assert got.index(b'{"slept":1}') < got.index(b'{"slept":2}')


def test_a_refused_body_does_not_become_the_next_request(door: Running) -> None:
    inner = b"GET /slow/7 HTTP/1.1\r\nHost: x\r\n\r\n"
    with connect(door.port) as sock:
        head = f"POST /groups HTTP/1.1\r\nHost: x\r\nContent-Length: {len(inner)}\r\n\r\n".encode()
        sock.sendall(head + inner)
        problem(read(sock), 401, "token.missing")
        sock.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read(sock).json == {"pong": True}


def test_head_has_no_body(door: Running) -> None:
    with connect(door.port) as sock:
        sock.sendall(b"HEAD /ping HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read(sock, head_only=True).headers["content-length"] == "13"
        sock.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read(sock).json == {"pong": True}


def test_request_id_and_trace_are_taken_when_sane(door: Running) -> None:
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    answer = ask(door.port, "GET", "/ping", headers=f"X-Request-Id: my.id-1\r\ntraceparent: {trace}\r\n")
    assert answer.headers["x-request-id"] == "my.id-1"
    assert answer.headers["traceparent"][3:35] == "a" * 32
    assert answer.headers["traceparent"][36:52] != "b" * 16
    odd = ask(door.port, "GET", "/ping", headers=f'X-Request-Id: a"b\r\ntraceparent: 00-{"0" * 32}-{"b" * 16}-01\r\n')
    assert re.fullmatch("[0-9a-f]{32}", odd.headers["x-request-id"])
    assert odd.headers["traceparent"][3:35] != "0" * 32


def test_line_ends_in_values_make_no_headers(door: Running) -> None:
    answer = ask(door.port, "GET", "/evil")
    problem(answer, 500, "fault")
    assert "set-cookie" not in answer.headers


def test_no_answer_names_the_server(door: Running) -> None:
    assert "server" not in ask(door.port, "GET", "/ping").headers


def test_each_request_is_one_log_line_without_query_or_body(door: Running) -> None:
    ask(door.port, "GET", "/groups?cursor=very-secret", headers=WORKER + "X-Request-Id: logged-1\r\n")
    deadline = time.monotonic() + 2
    while not (found := [line for line in door.lines() if line.get("request_id") == "logged-1"]):
        assert time.monotonic() < deadline
    assert len(found) == 1
    assert (found[0]["route"], found[0]["status"]) == ("GET /groups", 200)
    assert "very-secret" not in door.log.read_text()


def test_metrics_count_answers_by_route(door: Running) -> None:
    ask(door.port, "GET", "/ping")
    text = ask(door.port, "GET", "/metrics").body.decode()
    assert re.search(r'http_requests_total\{method="GET",route="GET /ping",status="200"\} \d', text)
    assert "process_cpu_seconds_total" in text
    assert "http_requests_in_flight" in text


# --- the launcher


def test_a_taken_port_is_refused_in_one_sentence(door: Running, tmp_path: Path, worker: str) -> None:
    command = [sys.executable, "-m", MODULE]
    environment = {"TUKIVERKKO_PORT": str(base_port(worker, 0)), "TUKIVERKKO_HOME": str(tmp_path), "PATH": "/usr/bin"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert "is it running already" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_an_unknown_name_is_refused_in_one_sentence() -> None:
    command = [sys.executable, "-m", "chassis.launch", "kitchen"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (1, 1)


def test_waiting_for_the_database_is_green() -> None:
    code = "from chassis import launch; launch.check_green(); import json; print(json.dumps('green'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True)
    assert json.loads(done.stdout) == "green"
