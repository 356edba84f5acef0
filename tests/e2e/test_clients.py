"""Clients in a whole network, by the operator's commands and the directory's events: revoked, suspended, keys turned.

What needs no whole network is in tests/integration/test_access_door.py.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from services.directory.usecases.importing import HERE
from tests.support.client import POLICE, Answer, Client, client, eventually, token
from tests.support.network import Network
from tests.support.oauth import assertion, by_assertion, by_secret, new_key, public
from tests.support.specification import OPERATIONS

REVOKED_SECONDS = 20.0  # the design names 5; the gate shares its cores with other tests
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ENDPOINT = OPERATIONS["POST /oauth/token"]
OTHER = "lt-lepta"


def registered(network: Network, *more: str, org: str = POLICE) -> tuple[str, str | None]:
    made = network.command("client", "create", "--org", org, "--name", "E2E", "--scope", "sender_client", *more)
    assert made.returncode == 0, made.stderr
    told = dict(line.split(None, 1) for line in made.stdout.splitlines() if line.startswith("client_"))
    return told["client_id"], told.get("client_secret")


def asked(by: Client, form: bytes) -> Answer:
    answer = by.ask("POST", "/oauth/token", form, key="", headers=FORM)
    ENDPOINT.check(answer)
    return answer


@pytest.fixture
def nobody(demo: Network) -> Client:
    found = client(demo.settings)
    eventually(lambda: demo.command("token", "--org", POLICE).returncode == 0)  # the directory has arrived at access
    return found


@pytest.fixture
def system(demo: Network, nobody: Client) -> tuple[str, str]:
    client_id, secret = registered(demo)
    assert secret is not None
    return client_id, secret


def doors(network: Network, text: str) -> tuple[Client, Client]:
    """The gateway, and a service itself, with one token."""
    return Client(network.url, text), Client(network.settings.url_of("referrals"), text)


def statuses(by: tuple[Client, Client]) -> set[int]:
    return {each.get("/referrals/sent").status for each in by}


def refused_within(by: tuple[Client, Client], seconds: float = REVOKED_SECONDS) -> None:
    eventually(lambda: statuses(by) == {401}, seconds)


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
    (other,) = (each for each in document["organisations"] if each["key"] == OTHER)
    path = folder / "organisations.json"
    path.write_bytes(orjson.dumps({"organisations": [{**other, "status": status}]}))
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
