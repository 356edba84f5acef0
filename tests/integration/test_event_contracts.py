"""The watch over the events of all tests can fail: wrong rows in an outbox are named, and fail who wrote them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from chassis import clock
from chassis.db import Database
from chassis.envelope import event
from chassis.settings import Settings
from services.referrals.events import TYPES
from tests import conftest
from tests.support.databases import Databases, root_url
from tests.support.events import wrong_events
from tests.support.facts import facts

SENT = TYPES["sent"]
WRITE = """
INSERT INTO outbox (id, exchange, routing_key, type, version, aggregate_type, aggregate_id, audience, sequence, data,
                    body, occurred_at)
VALUES (gen_random_uuid(), %(exchange)s, %(routing_key)s, %(type)s, %(version)s, 'referral', gen_random_uuid(),
        %(audience)s, %(sequence)s, %(data)s, %(body)s, now())
"""
RIGHT: dict[str, Any] = {
    "exchange": "events",
    "routing_key": SENT.name,
    "type": SENT.name,
    "version": 1,
    "audience": f"org:{uuid.uuid4()}",
    "sequence": 1,
    "data": facts(SENT),
    "body": None,
}


def write(url: str, **change: Any) -> None:
    """One row, by hand: nothing of ours would write it so."""
    row = {**RIGHT, **change}
    row["data"] = None if row["data"] is None else json.dumps(row["data"])
    with psycopg.connect(url) as connection:
        connection.execute(WRITE, row)


@pytest.fixture
def url(service_database: Callable[..., Settings]) -> str:
    """The superuser's address of an empty database."""
    return root_url(service_database("referrals"), "referrals")


def test_what_the_services_write_is_in_order(service_database: Callable[..., Settings], url: str) -> None:
    at = service_database("referrals")
    database = Database(at, "referrals")
    with database.background("test") as work:
        about, org = ("referral", uuid.uuid4()), f"org:{uuid.uuid4()}"
        work.tell(event(SENT, aggregate=about, audience=org, data=facts(SENT), at=clock.now(), id=uuid.uuid4()))
    database.close()
    assert wrong_events(root_url(at, "referrals"), "referrals") == []
    write(url)
    assert wrong_events(url, "referrals") == []


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a name": ({"data": facts(SENT, name="Jonas")}, "data /: additionalProperties"),
    "free text in a code": ({"data": facts(SENT, urgency="He called twice.")}, "data /urgency: pattern"),
    "a telephone number": ({"data": facts(SENT, reason="+370 600 00000")}, "data /reason: pattern"),
    "no id": ({"data": facts(SENT, sender_id="lt-police")}, "data /sender_id: format"),
    "a number as text": ({"data": facts(SENT, version="1")}, "data /version: type"),
    "a field missing": ({"data": {"version": 1}}, "data /: required"),
    "an unknown type": ({"type": "referral.lost", "routing_key": "referral.lost"}, "no committed schema"),
    "an unknown version": ({"version": 2}, "no committed schema"),
    "sequence 0": ({"sequence": 0}, "envelope /sequence: minimum"),
    "another key": ({"routing_key": "referral.accepted"}, "routing key"),
    "a name as audience": ({"audience": "Jonas"}, "audience Jonas"),
    "bytes for partners that are no event": (
        {"exchange": "partners", "data": None, "body": b"{}", "routing_key": "network.referral.sent"},
        "envelope /: required",
    ),
}


@pytest.mark.odd_events  # they are the point
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_row_is_named(url: str, name: str) -> None:
    change, fault = WRONG[name]
    write(url)
    assert wrong_events(url, "referrals") == []
    write(url, **change)
    found = wrong_events(url, "referrals")
    assert found
    assert all(line.startswith("referrals outbox no 2, ") for line in found)
    assert any(fault in line for line in found), found


def test_the_fixture_ends_a_test_that_wrote_one(settings: Settings, databases: Databases) -> None:
    """Its end is run by hand here, as the end of any test without the marker."""
    unmarked = SimpleNamespace(node=SimpleNamespace(get_closest_marker=lambda _: None))
    steps = conftest.service_database._get_wrapped_function()(settings, databases, unmarked)
    made = next(steps)("referrals")
    write(root_url(made, "referrals"), data=facts(SENT, name="Jonas"))
    with pytest.raises(pytest.fail.Exception, match=r"referrals outbox no 1, referral\.sent\.v1: data /"):
        next(steps)
    assert made.database_url("referrals").rpartition("/")[2] not in databases.made
