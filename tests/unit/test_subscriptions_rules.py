"""Streams, the end of the journal, and names of grants."""

from __future__ import annotations

import uuid

import pytest

from chassis.errors import Conflict, Invalid
from chassis.schema import unclassified
from services.subscriptions import rules, schemas

ORG = uuid.UUID("1f0c3b1e-8a34-5a0b-9c0e-4d8b8a6f2c10")


@pytest.mark.parametrize(
    ("audience", "streams"),
    [("network", ("network",)), (f"org:{ORG}", (f"org:{ORG}",)), ("", ()), ("organisation", ())],
)
def test_streams_follow_the_audience(audience: str, streams: tuple[str, ...]) -> None:
    assert rules.streams_of(audience) == streams


def test_routing_keys_and_binding_keys_fit_each_other() -> None:
    assert rules.routing_key("network", "group.opened") == "network.group.opened"
    assert rules.routing_key(rules.stream_of(ORG), "referral.sent") == f"org.{ORG}.referral.sent"
    assert rules.binding_keys(ORG) == ("network.#", f"org.{ORG}.#")


def test_a_caller_reads_the_network_or_itself() -> None:
    assert rules.stream_read("network", ORG) == "network"
    assert rules.stream_read("org", ORG) == f"org:{ORG}"
    assert rules.owner_of("network") is None
    assert rules.owner_of(f"org:{ORG}") == ORG


@pytest.mark.parametrize("after", [0, 9, 10, 500])
def test_who_misses_nothing_may_read_on(after: int) -> None:
    rules.check_reach(after, 10)


@pytest.mark.parametrize("after", [1, 8])
def test_who_would_miss_something_is_told_where_the_journal_starts(after: int) -> None:
    with pytest.raises(rules.JournalCut) as refused:
        rules.check_reach(after, 10)
    assert (refused.value.status, refused.value.members) == (410, {"oldest": 10})


def test_next_is_the_last_position_given_or_where_the_reader_stood() -> None:
    assert rules.next_after(7, [8, 9]) == 9
    assert rules.next_after(7, []) == 7


def test_types_may_come_with_commas() -> None:
    assert rules.types_wanted(["a.b,c.d", "a.b"]) == ("a.b", "c.d")


@pytest.mark.parametrize("name", ["", "Main", "a.b", "a#", "-a", "a" * 33, "a\n"])
def test_a_grant_name_is_part_of_a_queue_name(name: str) -> None:
    with pytest.raises(Invalid):
        rules.check_grant_name(name)


def test_good_names_and_active_organisations_pass() -> None:
    rules.check_grant_name("main-2")
    rules.check_active("lt-kavkc", "active")
    with pytest.raises(Conflict):
        rules.check_active("lt-kavkc", "suspended")
    assert rules.already_granted("lt-kavkc", "main").allowed == ("rotate", "revoke")


@pytest.mark.parametrize("shape", [schemas.FeedQuery, schemas.Feed])
def test_every_field_is_classified(shape: type) -> None:
    assert unclassified(shape) == ()
