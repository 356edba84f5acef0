"""The directory as a real process behind its door: public reads, ETag, problems, and the one change."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote

import pytest

from chassis.db import Database
from chassis.identity import ensure_signing_key, issue_token
from chassis.keyed_ids import id_of_key
from chassis.settings import Settings
from services.directory import usecases
from tests.support.databases import Databases
from tests.support.ports import free_base

PROGRAMME = "/directory/services/lt-kavkc-behaviour-change"


@dataclass
class Answer:
    status: int
    headers: Any
    json: Any


@dataclass
class Directory:
    settings: Settings
    port: int

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if data is not None:
            named["Content-Type"] = "application/json"
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, named, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                content = response.read()
                return Answer(response.status, response.headers, json.loads(content) if content else None)
        except HTTPError as error:
            with error:
                content = error.read()
                return Answer(error.code, error.headers, json.loads(content) if content else None)

    def bearer(self, org: str, *roles: str, subject: str = "user:1") -> str:
        org_id = id_of_key("organisation", org)
        token = issue_token(self.settings, org_id=org_id, org_key=org, roles=frozenset(roles), subject=subject)
        return f"Bearer {token}"


@pytest.fixture(scope="module")
def directory(
    settings: Settings, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Directory]:
    own = Databases(settings, databases.worker)
    at = own.fresh("directory")
    ensure_signing_key(at.home)
    database = Database(at, "directory")
    usecases.import_demo(database)
    database.close()
    base = free_base()
    log = tmp_path_factory.mktemp("directory") / "log"
    process = start(at, base, log)
    yield Directory(at, base + 1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0, log.read_text(encoding="utf-8")
    own.drop()


def start(at: Settings, base: int, log: Path) -> subprocess.Popen[bytes]:
    own = {name: value for name, value in (at.environment or {}).items() if name.startswith("TUKIVERKKO_")}
    ports = {"TUKIVERKKO_PORT": str(base), "TUKIVERKKO_POSTGRES_PORT": str(at.postgres_port)}
    environment = {**os.environ, **own, **ports, "TUKIVERKKO_HOME": str(at.home)}
    with log.open("wb") as output:
        arguments = [sys.executable, "-m", "chassis.launch", "directory"]
        process = subprocess.Popen(arguments, env=environment, stdout=output, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + 30
    while b"READY" not in log.read_bytes():
        assert process.poll() is None, log.read_text(encoding="utf-8")
        assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
        time.sleep(0.05)
    return process


def test_everybody_may_find_and_read(directory: Directory) -> None:
    found = directory.ask("GET", f"/directory/organisations?search={quote('vyru kriziu')}")
    assert [row["key"] for row in found.json["items"]] == ["lt-kavkc"]
    assert found.json["items"][0]["names"]["lt"] == "Kauno apskrities vyrų krizių centras"
    near = directory.ask("GET", "/directory/services?municipality=Raseiniai&kind=behaviour_change")
    assert [(row["key"], row["fit"]) for row in near.json["items"]] == [("lt-kavkc-behaviour-change", "licence")]
    network = directory.ask("GET", "/directory/network")
    assert len(network.json["initiatives"]) == 7


def test_pages_link_to_the_next(directory: Directory) -> None:
    first = directory.ask("GET", "/directory/organisations?country=LT&limit=3")
    assert len(first.json["items"]) == 3
    link = first.headers["Link"].partition(">")[0].removeprefix("<")
    second = directory.ask("GET", link)
    assert second.json["items"][0]["key"] > first.json["items"][-1]["key"]


def test_a_read_carries_its_version(directory: Directory) -> None:
    one = directory.ask("GET", "/directory/organisations/lt-kavkc")
    assert (one.status, one.headers["ETag"], one.json["name"]) == (200, '"1"', "Kaunas County Men's Crisis Centre")
    again = directory.ask("GET", f"/directory/organisations/{one.json['id']}", If_None_Match='"1"')
    assert again.status == 304


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/directory/organisations/lt-nobody", 404),
        ("/directory/services/lt-nothing", 404),
        ("/directory/organisations?country=Lithuania", 400),
        ("/directory/organisations?colour=red", 400),
        ("/directory/organisations?search=%20", 400),
        ("/directory/organisations?limit=201", 400),
        ("/directory/organisations?cursor=x", 400),
        ("/directory/services?municipality=Niekurija", 400),
        ("/directory/services?accepting=maybe", 400),
    ],
)
def test_what_cannot_be_answered_is_a_problem(directory: Directory, path: str, status: int) -> None:
    answer = directory.ask("GET", path)
    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json")


def test_only_its_own_administrator_says_what_a_service_accepts(directory: Directory) -> None:
    path, body = f"{PROGRAMME}/accepting", {"accepting": "waiting"}
    own = directory.bearer("lt-kavkc", "org_admin")
    refused = [
        (directory.ask("PUT", path, body), 401),
        (directory.ask("PUT", path, body, Authorization=directory.bearer("lt-kavkc", "intake_worker")), 403),
        (directory.ask("PUT", path, body, Authorization=own), 428),
        (directory.ask("PUT", path, body, Authorization=own, If_Match='"9"'), 412),
        (directory.ask("PUT", path, {"accepting": "unknown"}, Authorization=own, If_Match='"1"'), 422),
        (directory.ask("PUT", "/directory/services/lt-x/accepting", body, Authorization=own, If_Match='"1"'), 404),
    ]
    other = directory.bearer("lt-police", "org_admin")
    refused.append((directory.ask("PUT", path, body, Authorization=other, If_Match='"1"'), 403))
    system = directory.bearer("lt-kavkc", "org_admin", subject="client:1")
    refused.append((directory.ask("PUT", path, body, Authorization=system, If_Match='"1"'), 400))
    assert [answer.status for answer, _ in refused] == [status for _, status in refused]
    done = directory.ask("PUT", path, body, Authorization=system, If_Match='"1"', Idempotency_Key="k-1")
    assert (done.status, done.headers["ETag"], done.json["accepting"]) == (200, '"2"', "waiting")
    again = directory.ask("PUT", path, body, Authorization=system, If_Match='"1"', Idempotency_Key="k-1")
    assert (again.status, again.headers["ETag"]) == (200, '"2"')
    assert directory.ask("GET", PROGRAMME).json["accepting_source"] == "organisation"
