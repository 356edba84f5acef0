"""A baseline says what the last event of its stream said, to each party what that party may know and no more."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from chassis import republish
from chassis.db import Database
from chassis.settings import Settings
from services.groups import usecases as groups
from services.referrals import usecases as referrals
from tests.support.databases import root_url
from tests.support.groups import opened, own, sign_up
from tests.support.referrals import CENTRE, POLICE, move, new, seed

Make = Callable[..., Settings]
ACCEPTANCE = {"responsible": "Intake team", "next_step_on": "2026-12-01"}
LAST = """
SELECT DISTINCT ON (aggregate_id, audience) aggregate_id, audience, sequence, data FROM outbox
 WHERE baseline = %s ORDER BY aggregate_id, audience, sequence DESC
"""
FORGET = "DELETE FROM outbox WHERE sequence = 1"  # the oldest of each stream is past its retention


class Service:
    """One service's database, and looks into it."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.name, self.settings = name, settings
        self.db = Database(settings, name)

    def last(self, *, baseline: bool) -> dict[tuple[uuid.UUID, str], tuple[int, dict[str, Any]]]:
        """Sequence and data of the last event of each stream."""
        with psycopg.connect(root_url(self.settings, self.name)) as connection:
            rows = connection.execute(LAST, (baseline,)).fetchall()
        return {(row[0], row[1]): (row[2], row[3]) for row in rows}

    def told_again(self, baselines: republish.Baselines) -> dict[tuple[uuid.UUID, str], tuple[int, dict[str, Any]]]:
        """Forget the beginning of all streams, ask for them from the start; returns the baselines."""
        streams = list(self.last(baseline=False))
        with psycopg.connect(root_url(self.settings, self.name), autocommit=True) as connection:
            connection.execute(FORGET)
        with self.db.background("test") as work:
            for aggregate in {aggregate for aggregate, _ in streams}:
                republish.of_aggregate(work, aggregate, baselines=baselines)
        return self.last(baseline=True)


@pytest.fixture
def service(service_database: Make) -> Iterator[Callable[[str], Service]]:
    made: list[Service] = []

    def make(name: str) -> Service:
        made.append(Service(service_database(name), name))
        return made[-1]

    yield make
    for each in made:
        each.db.close()


def test_of_referrals(service: Callable[[str], Service]) -> None:
    at = service("referrals")
    seed(at.db)
    accepted, declined, sent = (referrals.create(at.db, new()).value["id"] for _ in range(3))
    referrals.acknowledge(at.db, move(CENTRE, accepted, "acknowledge", 1))
    referrals.accept(at.db, move(CENTRE, accepted, "accept", 2, **ACCEPTANCE))
    referrals.decline(at.db, move(CENTRE, declined, "decline", 1, reason="conflict_of_interest"))
    before = at.last(baseline=False)
    after = at.told_again(referrals.BASELINES)
    assert after == before
    police, centre = f"org:{POLICE.org_id}", f"org:{CENTRE.org_id}"
    assert after[accepted, police][1]["state"] == "received"
    assert after[accepted, centre][1]["state"] == "accepted"
    assert after[declined, police][1]["reason"] == after[declined, centre][1]["reason"] == "not_possible_here"
    assert after[sent, police][1]["state"] == "sent"


def test_of_groups_and_sign_ups(service: Callable[[str], Service]) -> None:
    at = service("groups")
    group = opened(at.db, capacity=3, min_to_start=2)
    men = [sign_up(at.db, group) for _ in range(5)]
    own(at.db, "withdraw", men[0])
    before = at.last(baseline=False)
    after = at.told_again(groups.BASELINES)
    assert after == before
    states = {data["state"] for _, data in after.values() if "state" in data}
    assert states == {"withdrawn", "confirmed", "offered", "waiting"}
    assert [data["accepting"] for (aggregate, _), (_, data) in after.items() if aggregate == group] == [True]


def test_nobody_gets_the_baseline_of_a_stranger(service: Callable[[str], Service]) -> None:
    at = service("referrals")
    seed(at.db)
    referral = referrals.create(at.db, new()).value["id"]
    stranger = f"org:{uuid.uuid4()}"
    with at.db.background("test") as work:
        state = referrals.BASELINES["referral"].state
        assert state(work, referral, stranger) is None
        assert state(work, referral, "network") is None
        assert state(work, uuid.uuid4(), f"org:{POLICE.org_id}") is None
