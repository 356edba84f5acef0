"""Systems that ask for tokens by themselves, in a whole network: revoked within seconds, keys turned without a gap."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.directory.usecases.importing import HERE
from tests.support.client import POLICE, Answer, Client, client, eventually, token
from tests.support.network import Network, environment
from tests.support.oauth import assertion, basic, by_assertion, by_secret, new_key, public
from tests.support.specification import OPERATIONS

REVOKED_SECONDS = 5.0  # as the design names it
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ENDPOINT = OPERATIONS["POST /oauth/token"]
PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
OTHER = "lt-lepta"


def registered(network: Network, *more: str, org: str = POLICE) -> tuple[str, str | None]:
    made = network.command("client", "create", "--org", org, "--name", "E2E", "--scope", "sender_client", *more)
    assert made.returncode == 0, made.stderr
    told = dict(line.split(None, 1) for line in made.stdout.splitlines() if line.startswith("client_"))
    return told["client_id"], told.get("client_secret")


def asked(by: Client, form: bytes, **headers: str) -> Answer:
    answer = by.ask("POST", "/oauth/token", form, key="", headers={**FORM, **headers})
    ENDPOINT.check(answer)
    return answer


@pytest.fixture
def nobody(demo: Network) -> Client:
    found = client(demo.settings)
    eventually(lambda: client(demo.settings, POLICE).get("/referrals/sent").status == 200)
    return found


@pytest.fixture
def system(demo: Network, nobody: Client) -> tuple[str, str]:
    client_id, secret = eventually(lambda: registered(demo))
    assert secret is not None
    return client_id, secret


def doors(network: Network, text: str) -> tuple[Client, Client]:
    """The gateway, and a service itself, with one token."""
    return Client(network.url, text), Client(network.settings.url_of("referrals"), text)


def statuses(by: tuple[Client, Client]) -> set[int]:
    return {each.get("/referrals/sent").status for each in by}


def refused_within(by: tuple[Client, Client], seconds: float = REVOKED_SECONDS) -> None:
    begun = time.monotonic()
    eventually(lambda: statuses(by) == {401}, seconds)
    print(f"refused everywhere after {time.monotonic() - begun:.1f} s")  # noqa: T201 - shown with -s


def test_a_revoked_client_is_refused_at_gateway_and_service(
    demo: Network, nobody: Client, system: tuple[str, str]
) -> None:
    answer = asked(nobody, by_secret(*system))
    by = doors(demo, answer.body["access_token"])
    assert statuses(by) == {200}
    others = doors(demo, token(demo.settings, POLICE))
    assert demo.command("client", "revoke", system[0], "--org", POLICE).returncode == 0
    refused_within(by)
    assert statuses(others) == {200}
    assert asked(nobody, by_secret(*system)).body["error"] == "invalid_client"


def test_keys_turn_while_clients_go_on(demo: Network, nobody: Client, system: tuple[str, str]) -> None:
    first = asked(nobody, by_secret(*system)).body["access_token"]
    before = {key["kid"] for key in nobody.get("/.well-known/jwks.json").body["keys"]}
    done, seen = threading.Event(), []

    def go_on() -> None:
        mine = replace(nobody)
        while not done.is_set():
            answer = asked(mine, by_secret(*system))
            if answer.status == 200:
                seen.append((answer.status, statuses(doors(demo, answer.body["access_token"]))))
            else:
                seen.append((answer.status, set()))
            time.sleep(0.05)

    worker = threading.Thread(target=go_on)
    worker.start()
    try:
        turned = demo.command("keys", "rotate")
        assert turned.returncode == 0, turned.stderr
        time.sleep(3)
    finally:
        done.set()
        worker.join()
    assert len(seen) > 5
    assert [each for each in seen if each != (200, {200})] == []
    after = {key["kid"] for key in nobody.get("/.well-known/jwks.json").body["keys"]}
    assert before < after
    assert statuses(doors(demo, first)) == {200}  # of the key before


def told(network: Network, status: str, folder: Path) -> None:
    document = orjson.loads((HERE / "organisations.json").read_bytes())
    for each in document["organisations"]:
        if each["key"] == OTHER:
            each["status"] = status
    path = folder / "organisations.json"
    path.write_bytes(orjson.dumps(document))
    done = network.command("import", "organisations", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def suspended(demo: Network, nobody: Client, tmp_path: Path) -> Iterator[tuple[Client, Client]]:
    by = doors(demo, token(demo.settings, OTHER))
    assert statuses(by) == {200}
    told(demo, "suspended", tmp_path)
    yield by
    told(demo, "active", tmp_path)
    eventually(lambda: statuses(doors(demo, token(demo.settings, OTHER))) == {200})


def test_a_suspended_organisation_is_refused_at_gateway_and_service(
    demo: Network, suspended: tuple[Client, Client]
) -> None:
    refused_within(suspended)
    assert statuses(doors(demo, token(demo.settings, POLICE))) == {200}


def test_while_access_hangs_tokens_live_on(demo: Network, nobody: Client, system: tuple[str, str]) -> None:
    by = doors(demo, asked(nobody, by_secret(*system)).body["access_token"])
    demo.kill("access", signal.SIGSTOP)
    try:
        time.sleep(3)  # longer than the pause between two questions
        assert statuses(by) == {200}
        hanging = asked(nobody, by_secret(*system))
        assert (hanging.status, hanging.body["error"]) == (504, "temporarily_unavailable")
    finally:
        demo.kill("access", signal.SIGCONT)
    eventually(lambda: asked(nobody, by_secret(*system)).status == 200)


@pytest.mark.parametrize(
    ("form", "headers", "status", "error"),
    [
        (b"grant_type=password", {}, 400, "unsupported_grant_type"),
        (b"grant_type=client_credentials", {}, 401, "invalid_client"),
        (b"grant_type=client_credentials", {"Authorization": basic("x", "y")}, 401, "invalid_client"),
        (b"grant_type=client_credentials", {"Authorization": "Bearer x"}, 401, "invalid_client"),
        (b"{}", {"Content-Type": "application/json"}, 400, "invalid_request"),
        (b"x" * 100_000, {}, 413, "invalid_request"),
        (b"\xff", {}, 400, "invalid_request"),
    ],
)
def test_the_endpoint_speaks_oauth_only(
    nobody: Client, form: bytes, headers: dict[str, str], status: int, error: str
) -> None:
    answer = asked(nobody, form, **headers)
    assert (answer.status, answer.kind, answer.body["error"]) == (status, "application/json", error)
    assert set(answer.body) == {"error", "error_description"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


def test_a_token_is_not_kept_by_anybody_on_the_way(nobody: Client, system: tuple[str, str]) -> None:
    answer = asked(nobody, by_secret(*system))
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")


def test_what_processes_ask_is_not_for_outsiders(demo: Network, nobody: Client) -> None:
    assert nobody.get("/access/standing").status == 404
    inside = Client(demo.settings.url_of("access")).get("/access/standing")
    assert set(inside.body) == {"keys", "revoked", "inactive"}
    assert not any("d" in key for key in inside.body["keys"])


def test_a_client_with_a_key_is_registered_by_command(demo: Network, nobody: Client, tmp_path: Path) -> None:
    key, path = new_key("ES256"), tmp_path / "public.json"
    path.write_text(json.dumps(public(key)), encoding="ascii")
    client_id, secret = registered(demo, "--jwk", str(path))
    assert secret is None
    answer = asked(nobody, by_assertion(assertion(key, client_id, aud=f"{demo.url}/oauth/token")))
    assert answer.status == 200, answer.raw
    listed = demo.command("client", "list", "--org", POLICE)
    assert client_id in listed.stdout
    path.write_text(json.dumps(dict(key.as_dict(private=True))), encoding="ascii")
    private = demo.command(
        "client", "create", "--org", POLICE, "--name", "x", "--scope", "subscriber", "--jwk", str(path)
    )
    assert private.returncode == 1
    assert "private key" in private.stderr


def example(kind: str) -> str:
    return next(iter(re.findall(rf"^```{kind}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)))


def test_the_page_for_institutions_keeps_its_word(
    demo: Network, nobody: Client, system: tuple[str, str], tmp_path: Path
) -> None:
    key, path = new_key("ES256"), tmp_path / "key.json"
    (tmp_path / "public.json").write_text(json.dumps(public(key)), encoding="ascii")
    path.write_text(json.dumps(dict(key.as_dict(private=True))), encoding="ascii")
    keyed, _ = registered(demo, "--jwk", str(tmp_path / "public.json"))
    usual: dict[str, Any] = {**environment(demo.settings), "TUKIVERKKO_URL": demo.url, "PATH": os.environ["PATH"]}

    def run(command: list[str], **more: str) -> str:
        done = subprocess.run(
            command, env={**usual, **more}, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    shell = run(["bash", "-euc", example("sh")], CLIENT_ID=system[0], CLIENT_SECRET=system[1])
    python = run([sys.executable, "-c", example("python")], CLIENT_ID=keyed, KEY_FILE=str(path))
    for text in (json.loads(shell)["access_token"], python):
        assert statuses(doors(demo, text)) == {200}
