"""The person on duty on a real network: sees what did not get through, decides about it, and each act is recorded."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import amqp
import pytest

from chassis.envelope import CONTENT_TYPE
from tests.integration.bus_rig import channel_of, depth
from tests.support import readme
from tests.support.breaking import held_down
from tests.support.client import POLICE, Client, client, eventually
from tests.support.network import CLI, ROOT, Network, environment
from tests.support.rows import rows

PARKED = "groups.events.parked"
SECRET = "Jonas Jonaitis"
AUDIT = "SELECT operation, count(*) FROM audit WHERE operation ~ '^(parked|event)[.]' GROUP BY operation"
LINE = re.compile(
    r"\S+Z  [a-z_.]+ +[a-z]+ +[0-9a-f-]{36}  (network|one organisation|inside) +\d+  (published|waiting)\Z"
)


@pytest.fixture
def operator(demo: Network) -> Client:
    return client(demo.settings, POLICE, roles={"operator"})


@pytest.fixture
def police(demo: Network) -> Client:
    found = client(demo.settings, POLICE)
    eventually(lambda: found.post("/referrals", readme.referral()).status == 201)
    return found


@pytest.fixture
def clean(demo: Network) -> Iterator[None]:
    """Nothing is parked before and nothing stays."""
    assert depth(demo.settings, PARKED) == 0
    yield
    with channel_of(demo.settings) as channel:
        channel.queue_purge(PARKED)


def spoil(network: Network, count: int) -> set[str]:
    """Rubbish in the queue of groups; returns the ids by which it is parked."""
    ids = [str(uuid4()) for _ in range(count)]
    with channel_of(network.settings) as channel:
        for each in ids:
            rubbish = amqp.Message(SECRET.encode(), message_id=each, content_type=CONTENT_TYPE, delivery_mode=2)
            channel.basic_publish(rubbish, "groups.events", "groups.events")
    eventually(lambda: depth(network.settings, PARKED) == count)
    return set(ids)


def recorded(network: Network, service: str = "groups") -> Counter[str]:
    return Counter(dict(rows(network.settings, service, AUDIT)))


def ran(network: Network, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = network.command(*words)
    assert done.returncode == code, (words, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return done


def listed(network: Network) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ran(network, "parked", "list").stdout.splitlines()]


def needs(network: Network) -> list[str]:
    found: list[str] = json.loads(network.command("events", "lag", "--json").stdout)["needs"]
    return found


@pytest.mark.usefixtures("clean")
def test_rubbish_is_seen_explained_and_decided_and_each_act_is_recorded(demo: Network, operator: Client) -> None:
    eventually(lambda: needs(demo) == [])
    (event_id,) = spoil(demo, 1)
    before = recorded(demo)
    (row,) = listed(demo)
    assert (row["service"], row["event_id"], row["reason"]) == ("groups", event_id, "event.no_json")
    shown = ran(demo, "parked", "show", event_id).stdout
    assert "parked at: groups" in shown
    assert "The message is no JSON at all." in shown
    assert SECRET not in shown + json.dumps(row)
    assert [item["id"] for item in operator.get("/groups/parked").body["items"]] == [event_id]
    assert operator.get(f"/groups/parked/{event_id}").body["reason"] == "event.no_json"
    assert operator.get("/referrals/parked").body["items"] == []
    eventually(lambda: any("parked list --service groups" in sentence for sentence in needs(demo)))
    assert "1 parked" in ran(demo, "events", "lag", code=1).stdout
    assert operator.post(f"/groups/parked/{event_id}/replay", {}).status == 200
    eventually(lambda: listed(demo) and listed(demo)[0]["parked_at"] > row["parked_at"])
    ran(demo, "parked", "replay", event_id)
    eventually(lambda: depth(demo.settings, PARKED) == 1)
    assert "1 event replayed" in ran(demo, "parked", "replay", "--since", "1h").stdout
    eventually(lambda: depth(demo.settings, PARKED) == 1)
    assert operator.post("/groups/parked/replay", {"all": True}).body == {"replayed": 1, "left": 0}
    eventually(lambda: depth(demo.settings, PARKED) == 1)
    assert "dropped at groups." in ran(demo, "parked", "drop", event_id, "--reason", "operator.test").stdout
    assert "No parked event" in ran(demo, "parked", "drop", event_id, "--reason", "operator.test", code=1).stderr
    assert "No parked event" in ran(demo, "parked", "show", event_id, "--service", "groups", code=1).stderr
    acts = recorded(demo) - before
    assert (acts["parked.show"], acts["parked.replay_many"], acts["parked.drop"]) == (2, 1, 1)
    assert acts["parked.replay"] == 2 * 2 + 2  # asked for and done, where one was named
    assert acts["parked.list"] >= 3
    eventually(lambda: needs(demo) == [])
    assert "Nothing needs a person." in ran(demo, "events", "lag").stdout


@pytest.mark.usefixtures("clean")
def test_a_replay_that_is_killed_half_way_loses_nothing(demo: Network) -> None:
    ids = spoil(demo, 400)
    before = recorded(demo)["parked.replay"]
    process = subprocess.Popen(
        (*CLI, "parked", "replay", "--all", "--service", "groups"), cwd=ROOT, env=environment(demo.settings),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    eventually(lambda: recorded(demo)["parked.replay"] > before + 20, pause=0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "it was over before it was killed"
    eventually(lambda: {row["event_id"] for row in listed(demo)} == ids)
    assert 20 < recorded(demo)["parked.replay"] - before < 400


def test_what_is_told_is_followed_without_its_content(demo: Network, police: Client) -> None:
    before = recorded(demo, "referrals")["event.tail"]
    process = subprocess.Popen(
        (*CLI, "events", "tail", "--type", "referral.sent"), cwd=ROOT, env=environment(demo.settings),
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        eventually(lambda: recorded(demo, "referrals")["event.tail"] == before + 1)
        made = police.post("/referrals", readme.referral()).body["id"]
        while made not in (line := process.stdout.readline()):
            assert line, "it ended"
        assert LINE.match(line.rstrip("\n")), line
        assert POLICE not in line
    finally:
        process.kill()
        process.communicate()
    counted = json.loads(ran(demo, "events", "count", "--since", "1h", "--json").stdout)["services"]
    sent = next(row for row in counted["referrals"] if row["type"] == "referral.sent")
    assert sent["told"] >= 2
    assert set(counted) >= {"referrals", "subscriptions"}


def test_what_goes_out_again_is_recognised(demo: Network, police: Client) -> None:
    made = police.post("/referrals", readme.referral()).body["id"]
    eventually(lambda: any(event["subject"] == made for event in police.events()))
    before = {stream: police.events(stream) for stream in ("org", "network")}
    count = recorded(demo, "referrals")["event.republish"]
    assert "referrals: 2 events go out again." in ran(demo, "republish", "--aggregate", made).stdout
    said = ran(demo, "republish", "--since", "1h").stdout
    assert "Readers recognise what they have" in said
    ran(demo, "republish", "--service", "directory", "--everything", "organisation")
    assert recorded(demo, "referrals")["event.republish"] == count + 2
    waiting = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
    eventually(lambda: all(rows(demo.settings, name, waiting) == [(0,)] for name in ("referrals", "directory")))
    eventually(lambda: depth(demo.settings, "subscriptions.events") == 0)
    time.sleep(0.5)
    assert {stream: police.events(stream) for stream in ("org", "network")} == before


@pytest.mark.slow
def test_with_a_dead_broker_everything_says_so_and_what_is_told_is_seen(demo: Network, police: Client) -> None:
    operator = client(demo.settings, POLICE, roles={"operator"})
    with held_down(demo, "rabbitmq"):
        made = police.post("/referrals", readme.referral()).body["id"]
        lines = ran(demo, "events", "tail", "--no-follow", "--since", "1m", "--service", "referrals").stdout
        assert [line.split()[-1] for line in lines.splitlines() if made in line] == ["waiting", "waiting"]
        said = ran(demo, "parked", "list", code=1).stderr
        assert said.startswith("tukiverkko: The broker does not answer")
        assert ran(demo, "events", "lag", code=1).stdout.count("The broker does not answer") == 1
        answer = operator.get("/referrals/parked")
        assert (answer.status, answer.body["code"]) == (503, "broker.unavailable")
        counted = json.loads(ran(demo, "events", "count", "--service", "referrals", "--json").stdout)
        assert sum(row["waiting"] for row in counted["services"]["referrals"]) >= 2
    eventually(lambda: any(event["subject"] == made for event in police.events()), 60)
    eventually(lambda: needs(demo) == [], 60)
