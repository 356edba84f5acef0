"""The sample for partners on the whole way out: consumer, journal, relay, queue; also through a lost connection."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import amqp
import pytest

from chassis.db import Database
from chassis.management import Management
from chassis.settings import Settings
from services.subscriptions.usecases import Grant, create_grant
from tests.integration.bus_rig import channel_of, consuming, relaying, until
from tests.integration.subscriptions_rig import SAMPLE, Sample, handle, journal, know, received, tell


@pytest.fixture
def both(vhost: Settings, service_database: Callable[..., Settings]) -> Settings:
    """A publisher's database and that of subscriptions."""
    return service_database("referrals", into=service_database("subscriptions", into=vhost))


@pytest.fixture
def publisher(both: Settings) -> Iterator[Database]:
    made = Database(both, "referrals")
    yield made
    made.close()


@pytest.fixture
def subscriptions(both: Settings) -> Iterator[Database]:
    made = Database(both, "subscriptions")
    yield made
    made.close()


@pytest.fixture
def grant(both: Settings, subscriptions: Database) -> Iterator[Grant]:
    key = f"lt-{uuid.uuid4().hex[:8]}"
    know(subscriptions, key)
    made = create_grant(subscriptions, both, org_key=key, name="main")
    yield made
    Management(both).delete("users", made.user)


@pytest.fixture
def sample(grant: Grant, tmp_path: Path) -> Iterator[Sample]:
    started = Sample(grant.amqp_url, grant.queue, tmp_path / "state.json")
    yield started
    started.stop()


def test_the_samples_are_short() -> None:
    for name in ("subscriber.py", "feed.py", "reader.py"):
        assert len(SAMPLE.with_name(name).read_text(encoding="utf-8").splitlines()) <= 95, name


def test_it_sees_each_event_once_through_a_lost_connection(
    both: Settings, publisher: Database, subscriptions: Database, grant: Grant, sample: Sample
) -> None:
    mine = f"org:{grant.org_id}"
    with relaying(both, "referrals", "subscriptions"), consuming(both, subscriptions, handle, nouns=["#"]):
        until(lambda: "reading" in " ".join(sample.lines))
        ids = tell(publisher, mine, count=5)
        tell(publisher, f"org:{uuid.uuid4()}", count=3)  # somebody else's
        tell(publisher, "network", count=2)
        until(lambda: len(sample.events()) == 7)
        Management(both).delete("connections", "username", grant.user)
        ids += tell(publisher, mine, count=5)
        until(lambda: len(sample.events()) == 12)
    assert any("connection lost" in line for line in sample.lines)
    places = [line.split()[3] for line in sample.events()]
    assert [place for place in places if place.startswith("org")] == [f"{mine}#{number}" for number in range(1, 11)]
    assert [place for place in places if place.startswith("network")] == ["network#1", "network#2"]
    assert not [line for line in sample.lines if line.startswith("GAP")]


def test_it_skips_what_it_did_and_tells_what_is_missing(
    both: Settings, subscriptions: Database, grant: Grant, sample: Sample, tmp_path: Path
) -> None:
    with relaying(both, "subscriptions"):
        journal(subscriptions, *(received("network") for _ in range(2)))
        until(lambda: len(sample.events()) == 2)
        with channel_of(both) as channel:  # what a relay does that died between publishing and marking
            seen = json.loads((tmp_path / "state.json").read_text())["seen"]
            again = {"id": seen[1], "stream": "network", "position": 2}
            channel.basic_publish(amqp.Message(json.dumps(again)), "partners", "network.referral.sent")
            channel.queue_unbind(grant.queue, "partners", "network.#")
            journal(subscriptions, *(received("network") for _ in range(3)))
            mine = f"org:{grant.org_id}"
            journal(subscriptions, received(mine))
            until(lambda: any(mine in line for line in sample.events()))
            channel.queue_bind(grant.queue, "partners", "network.#")
        journal(subscriptions, received("network"))
        until(lambda: any("network#6" in line for line in sample.events()))
    assert len(sample.events()) == 4
    (gap,) = [line for line in sample.lines if line.startswith("GAP")]
    assert gap.startswith("GAP network: 3 to 5")
    assert sample.process.poll() is None


def test_restarted_it_goes_on_where_it_was(
    both: Settings, subscriptions: Database, grant: Grant, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    with relaying(both, "subscriptions"):
        for turn in (1, 2):
            sample = Sample(grant.amqp_url, grant.queue, state)
            try:
                journal(subscriptions, received("network"))
                until(lambda sample=sample: len(sample.events()) == 1)  # type: ignore[misc]
                assert f"network#{turn}" in sample.events()[0]
                until(lambda turn=turn: json.loads(state.read_text())["positions"] == {"network": turn})  # type: ignore[misc]
            finally:
                sample.stop()
