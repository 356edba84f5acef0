"""Gateway, access and referrals as real processes: tokens asked for, refused everywhere within seconds, keys turned."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from chassis.settings import Settings
from chassis.signing import publish_next, sign_with_next
from deploy.local.commands.trust import PUBLISH_SECONDS
from services.access.usecases import operated
from tests.integration.access_rig import Access, opened
from tests.support.client import CENTRE, POLICE, Answer, Client, client, eventually, token
from tests.support.databases import Databases, worker_home
from tests.support.oauth import assertion, basic, by_assertion, by_exchange, by_secret, new_key, public
from tests.support.ports import free_base
from tests.support.specification import OPERATIONS

REVOKED_SECONDS = 5.0  # as the design names it
PROCESSES = ("access", "referrals", "gateway")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ENDPOINT = OPERATIONS["POST /oauth/token"]
PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
GRANT = b"grant_type=client_credentials"


@dataclass
class Doors:
    """The three processes, and the use cases of access on the same database."""

    settings: Settings
    access: Access
    folder: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        environment = {**os.environ, **(self.settings.environment or {})}
        log = self.folder / f"{name}.log"
        with log.open("wb") as output:
            command = [sys.executable, "-m", "chassis.launch", name]
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        self.running[name] = process
        deadline = time.monotonic() + 60
        while b"READY" not in log.read_bytes():
            assert process.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
            time.sleep(0.05)

    def stop(self, name: str) -> None:
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        process.wait(15)

    @property
    def nobody(self) -> Client:
        return client(self.settings)

    def ask(self, form: bytes, **headers: str) -> Answer:
        answer = self.nobody.ask("POST", "/oauth/token", form, key="", headers={**FORM, **headers})
        ENDPOINT.check(answer)
        return answer

    def statuses(self, text: str) -> set[int]:
        """What the gateway and a service itself say to a token."""
        urls = (self.settings.url_of("gateway"), self.settings.url_of("referrals"))
        return {Client(url, text).get("/referrals/sent").status for url in urls}

    def refused_within(self, text: str, seconds: float = REVOKED_SECONDS) -> None:
        eventually(lambda: self.statuses(text) == {401}, seconds)


@contextmanager
def on(settings: Settings, base: int) -> Iterator[Settings]:
    """The same databases, and processes at ports of their own."""
    own = {name: value for name, value in (settings.environment or {}).items() if name.startswith("TUKIVERKKO_")}
    places = {"TUKIVERKKO_HOME": str(settings.home), "TUKIVERKKO_PORT": str(base)}
    ports = {"TUKIVERKKO_POSTGRES_PORT": str(settings.postgres_port), "TUKIVERKKO_AMQP_PORT": str(settings.amqp_port)}
    yield Settings.load({**own, **places, **ports})


@pytest.fixture(scope="module")
def doors(settings: Settings, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    home = tmp_path_factory.mktemp("turning")
    worker_home(settings.home, home)  # its keys are turned here, and those of other tests are not
    own = Databases(replace(settings, home=home), databases.worker)
    at = Databases(own.fresh("access"), databases.worker, own.made).fresh("referrals")
    with on(at, free_base()) as placed, opened(placed) as access:
        made = Doors(placed, access, home)
        for name in PROCESSES:
            made.start(name)
        yield made
        for name in list(made.running):
            made.stop(name)
    own.drop()


@pytest.fixture
def system(doors: Doors) -> tuple[Any, str]:
    made = doors.access.client()
    assert made.secret is not None
    return made.id, made.secret


def test_a_revoked_client_is_refused_at_gateway_and_service(doors: Doors, system: tuple[Any, str]) -> None:
    text = doors.ask(by_secret(*system)).body["access_token"]
    other = token(doors.settings, POLICE)
    assert doors.statuses(text) == {200}
    operated.revoke_client(doors.access.db, org_key=POLICE, client_id=system[0])
    doors.refused_within(text)
    assert doors.statuses(other) == {200}
    assert doors.ask(by_secret(*system)).body["error"] == "invalid_client"


def test_a_suspended_organisation_is_refused_until_it_is_active_again(doors: Doors) -> None:
    text, other = token(doors.settings, CENTRE), token(doors.settings, POLICE)
    assert doors.statuses(text) == {200}
    doors.access.keep(CENTRE, "suspended")
    try:
        doors.refused_within(text)
        assert doors.statuses(other) == {200}
    finally:
        doors.access.keep(CENTRE, "active")
    eventually(lambda: doors.statuses(text) == {200})


def test_keys_turn_while_clients_go_on(doors: Doors, system: tuple[Any, str]) -> None:
    first = doors.ask(by_secret(*system)).body["access_token"]
    begun = time.monotonic()
    before = {key["kid"] for key in doors.nobody.get("/.well-known/jwks.json").body["keys"]}
    named, turned, seen = publish_next(doors.settings.home), False, []
    while time.monotonic() - begun < PUBLISH_SECONDS + 4:
        if not turned and time.monotonic() - begun > PUBLISH_SECONDS:
            assert sign_with_next(doors.settings.home) == named
            turned = True
        answer = doors.ask(by_secret(*system))
        seen.append((answer.status, doors.statuses(answer.body["access_token"])))
        time.sleep(0.1)
    assert turned
    assert [each for each in seen if each != (200, {200})] == []
    assert {key["kid"] for key in doors.nobody.get("/.well-known/jwks.json").body["keys"]} == {*before, named}
    assert doors.statuses(first) == {200}  # of the key before


def test_while_access_is_away_tokens_live_on(doors: Doors, system: tuple[Any, str]) -> None:
    text = doors.ask(by_secret(*system)).body["access_token"]
    assert doors.statuses(text) == {200}
    doors.stop("access")
    try:
        time.sleep(3)  # longer than the pause between two questions
        assert doors.statuses(text) == {200}
        away = doors.ask(by_secret(*system))
        assert (away.status, away.body["error"]) == (503, "temporarily_unavailable")
        assert away.headers["Retry-After"]
    finally:
        doors.start("access")
    eventually(lambda: doors.ask(by_secret(*system)).status == 200)


@pytest.mark.parametrize(
    ("form", "headers", "status", "error"),
    [
        (b"grant_type=password", {}, 400, "unsupported_grant_type"),
        (GRANT, {}, 401, "invalid_client"),
        (GRANT, {"Authorization": basic("x", "y")}, 401, "invalid_client"),
        (GRANT, {"Authorization": "Bearer x"}, 401, "invalid_client"),
        (by_exchange("a.b.c"), {}, 400, "invalid_grant"),
        (b"{}", {"Content-Type": "application/json"}, 400, "invalid_request"),
        (b"x" * 100_000, {}, 413, "invalid_request"),
        (b"\xff", {}, 400, "invalid_request"),
    ],
)
def test_the_endpoint_speaks_oauth_only(
    doors: Doors, form: bytes, headers: dict[str, str], status: int, error: str
) -> None:
    answer = doors.ask(form, **headers)
    assert (answer.status, answer.kind, answer.body["error"]) == (status, "application/json", error)
    assert set(answer.body) == {"error", "error_description"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


def test_an_answer_with_a_token_is_not_kept_on_the_way(doors: Doors, system: tuple[Any, str]) -> None:
    answer = doors.ask(GRANT, Authorization=basic(*system))
    assert answer.status == 200
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")


def test_what_processes_ask_is_not_for_outsiders(doors: Doors) -> None:
    assert doors.nobody.get("/access/standing").status == 404
    inside = Client(doors.settings.url_of("access")).get("/access/standing")
    assert set(inside.body) == {"keys", "revoked", "inactive"}
    assert not any("d" in key for key in inside.body["keys"])


def test_an_administrator_keeps_clients_over_http(doors: Doors) -> None:
    admin, other = (client(doors.settings, org, roles={"org_admin"}) for org in (POLICE, CENTRE))
    create = OPERATIONS["POST /access/clients"]
    made = admin.post("/access/clients", create.example, key="k-http")
    create.check(made)
    path = made.headers["Location"]
    again = admin.post("/access/clients", create.example, key="k-http")
    assert (made.status, again.status) == (201, 201)
    assert (again.body["id"], again.body["secret"]) == (made.body["id"], None)
    assert "not stored" in again.body["secret_note"]
    assert doors.ask(by_secret(made.body["id"], made.body["secret"])).status == 200
    assert admin.get(path).version == made.version
    assert made.body["id"] in {row["id"] for row in admin.get("/access/clients").items}
    assert other.get(path).status == other.post(f"{path}/revoke", {}, version='"1"').status == 404
    assert admin.post(f"{path}/rotate", {}).status == 428
    assert admin.post(f"{path}/rotate", {}, version='"9"').status == 412
    turned = admin.post(f"{path}/rotate", {"overlap_hours": 1}, version='"1"')
    OPERATIONS["POST /access/clients/{client_id}/rotate"].check(turned)
    assert (turned.status, turned.version) == (200, '"2"')
    ended = admin.post(f"{path}/revoke", {}, version='"2"')
    OPERATIONS["POST /access/clients/{client_id}/revoke"].check(ended)
    assert (ended.status, ended.body["status"]) == (200, "revoked")
    assert client(doors.settings, POLICE, roles={"sender_lead"}).get("/access/clients").status == 403


def example(kind: str) -> str:
    found = re.findall(rf"^```{kind}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return str(found[0])


def test_the_page_for_institutions_keeps_its_word(doors: Doors, system: tuple[Any, str], tmp_path: Path) -> None:
    key, path = new_key("ES256"), tmp_path / "key.json"
    path.write_text(json.dumps(dict(key.as_dict(private=True))), encoding="ascii")
    keyed = doors.access.client(jwk=public(key))
    assert doors.ask(by_assertion(assertion(key, keyed.id))).status == 200
    url = doors.settings.url_of("gateway")
    usual = {**os.environ, "TUKIVERKKO_URL": url}

    def run(command: list[str], **more: str) -> str:
        done = subprocess.run(
            command, env={**usual, **more}, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    shell = run(["bash", "-euc", example("sh")], CLIENT_ID=str(system[0]), CLIENT_SECRET=system[1])
    python = run([sys.executable, "-c", example("python")], CLIENT_ID=str(keyed.id), KEY_FILE=str(path))
    for text in (json.loads(shell)["access_token"], python):
        assert doors.statuses(text) == {200}
