"""Bad luck: processes are killed, the broker and the database are gone, and nothing that was acknowledged is lost."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
import urllib3

from tests.support import readme
from tests.support.breaking import KILLABLE, held_down, respawned, whole
from tests.support.campaign import Clients
from tests.support.client import CENTRE, POLICE, THIRD, Answer, Client, client, eventually
from tests.support.network import Network
from tests.support.proof import before, settled

BROKER_DOWN_SECONDS = 30.0  # as long as issue and design name
DATABASE_DOWN_SECONDS = 4.0
RECOVERY_SECONDS = 30.0
THIRD_SERVICE = "lt-kapvc-consultations"
STOPS = [(name, signal.SIGKILL) for name in KILLABLE] + [("postgres", signal.SIGQUIT), ("referrals", signal.SIGTERM)]


@pytest.fixture
def police(demo: Network) -> Client:
    found = client(demo.settings, POLICE)
    eventually(lambda: found.post("/referrals", readme.referral()).status == 201)
    return found


def asked(by: Client, path: str = "/referrals") -> Answer | None:
    """One POST; None when nobody answered at all."""
    try:
        return by.post(path, readme.referral())
    except urllib3.exceptions.HTTPError:
        return None


def page(network: Network, name: str, path: str = "/health/ready") -> urllib3.BaseHTTPResponse:
    return urllib3.request("GET", network.settings.url_of(name) + path, retries=False, timeout=5)


@pytest.mark.slow
@pytest.mark.usefixtures("police")
def test_any_process_may_be_killed_while_clients_post(demo: Network, tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    known, times = before(demo.settings), {}
    with Clients(demo.settings, history, workers=3, seed=1) as clients:
        for name, number in STOPS:
            pid = demo.line(name).pid
            times[f"{name} {number.name}"] = respawned(demo, name, number)
            demo.until_back(name, pid, RECOVERY_SECONDS)
            so_far = clients.acknowledged
            eventually(lambda so_far=so_far: clients.acknowledged > so_far + 5, RECOVERY_SECONDS)  # type: ignore[misc]
    assert clients.troubles == []
    assert clients.repeated > 0  # somebody did notice
    evidence, wrong = settled(demo.settings, history, known=known)
    assert wrong == []
    assert len(evidence.history) == clients.acknowledged > len(STOPS) * 5
    assert max(times.values()) < 5, times


@pytest.mark.slow
def test_without_the_broker_referrals_are_taken_and_told_afterwards_in_order(demo: Network, police: Client) -> None:
    posted = []
    centre, third = client(demo.settings, CENTRE), client(demo.settings, THIRD)
    with held_down(demo, "rabbitmq"):
        begun = time.monotonic()
        restarted = 0
        while time.monotonic() - begun < BROKER_DOWN_SECONDS:
            answer = police.post("/referrals", readme.referral())
            assert answer.status == 201, answer.raw
            posted.append(answer.body["id"])
            if len(posted) == 10:
                restarted = restart(demo, "referrals")  # it must start and serve without the broker
            time.sleep(0.05)
        assert restarted
        assert (page(demo, "referrals").status, page(demo, "referrals").json()["status"]) == (200, "ready")
        assert "broker" in page(demo, "referrals").json()["degraded"]
        assert not {event["subject"] for event in police.events()} & set(posted)
    for reader in (police, centre):
        told = eventually(lambda reader=reader: all_told(reader, posted), RECOVERY_SECONDS * 2)  # type: ignore[misc]
        assert told == posted
    service = f"/directory/services/{THIRD_SERVICE}"
    for accepting, status in (("closed", 422), ("open", 201)):  # the restarted process hears of the directory again
        version = third.get(service).version
        assert third.ask("PUT", f"{service}/accepting", {"accepting": accepting}, version=version).status == 200
        body = {**readme.referral(), "service": THIRD_SERVICE}
        eventually(lambda body=body, status=status: police.post("/referrals", body).status == status)  # type: ignore[misc]
    assert demo.line("referrals").pid == restarted
    assert not page(demo, "referrals").json()["degraded"]
    whole(demo)


def restart(network: Network, name: str) -> int:
    pid = network.line(name).pid
    respawned(network, name)
    network.until_back(name, pid, RECOVERY_SECONDS)
    return network.line(name).pid


def all_told(reader: Client, posted: list[str]) -> list[str] | None:
    """The subjects of `referral.sent` in the order of the stream, when all of them are there."""
    found = [event["subject"] for event in reader.events() if event["type"].endswith("referral.sent.v1")]
    found = [subject for subject in found if subject in set(posted)]
    return found if len(found) >= len(posted) else None


@pytest.mark.slow
def test_without_the_database_it_says_so_and_recovers_by_itself(demo: Network, police: Client) -> None:
    own = ("referrals", "groups", "subscriptions", "relay", "gateway")
    pids = {name: demo.line(name).pid for name in own}
    seen = []
    with held_down(demo, "postgres"):
        begun = time.monotonic()
        while time.monotonic() - begun < DATABASE_DOWN_SECONDS:
            answer = police.post("/referrals", readme.referral())
            time.sleep(0.1)
            if answer.status == 201:  # its connections outlive PostgreSQL's first process for a moment
                assert not seen
                continue
            seen.append((answer.status, answer.body["code"]))
            assert answer.kind == "application/problem+json"
            assert int(answer.headers["Retry-After"]) > 0
        assert set(seen) == {(503, "database.unavailable")}
        ready = page(demo, "referrals")
        assert (ready.status, ready.json()["status"]) == (503, "not_ready")
        assert int(ready.headers["Retry-After"]) > 0
        assert page(demo, "referrals", "/health/live").status == 200
    eventually(lambda: (answer := asked(police)) is not None and answer.status == 201, RECOVERY_SECONDS)
    eventually(lambda: page(demo, "referrals").status == 200)
    assert {name: demo.line(name).pid for name in own} == pids
    whole(demo)
