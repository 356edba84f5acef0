"""Operators replay and drop what was parked; what waited behind it goes on."""

from __future__ import annotations

import uuid
from contextlib import closing

import pytest

from chassis import parked, retry
from chassis.db import Database
from chassis.errors import NotFound
from chassis.inbox import Kept
from chassis.link import Link
from chassis.settings import Settings
from tests.integration.bus_rig import consuming, depth, relaying, tell, until
from tests.integration.test_consumer import Handler, groups, publisher, rows, settings_, short_ladder


def test_a_parked_event_is_listed_replayed_and_another_dropped(
    settings_: Settings,
    publisher: Database,
    groups: Database,
) -> None:
    handler, first, second = Handler(), uuid.uuid4(), uuid.uuid4()
    handler.failing |= {first, second}
    with relaying(settings_, "directory"), consuming(settings_, groups, handler):
        tell(publisher, first, 3)
        tell(publisher, second, 3)
        until(lambda: depth(settings_, "groups.events.parked") == 2)
        shown = {entry.subject: entry for entry in parked.listed(settings_, "groups")}
        assert {(entry.type, entry.sequence, entry.reason, entry.error) for entry in shown.values()} == {
            ("organisation.changed", 1, "tries.used_up", "RuntimeError")
        }
        handler.failing.clear()
        assert parked.replay(settings_, "groups", shown[str(first)].event_id) == 1
        until(lambda: handler.applied[first] == [1, 2, 3])
        assert parked.drop(settings_, "groups", shown[str(second)].event_id, reason="publisher.fault") == 1
        until(lambda: handler.applied[second] == [2, 3])
    assert depth(settings_, "groups.events.parked") == 0
    with pytest.raises(NotFound):
        parked.drop(settings_, "groups", str(uuid.uuid4()), reason="publisher.fault")
    assert rows(settings_, "SELECT FROM inbox_waiting") == []


def test_what_is_parked_again_at_once_is_replayed_once(
    settings_: Settings,
    groups: Database,
) -> None:
    def back() -> bool:
        return depth(settings_, "groups.events.parked") == 1

    with consuming(settings_, groups, Handler()):
        sender = retry.Retries(Link(settings_.amqp_url("groups"), name="groups test"), "groups")
        with closing(sender):
            sender.replay(Kept(b"{no json", {}), str(uuid.uuid4()))
        until(back)
        assert parked.replay(settings_, "groups") == 1
        until(back)
        (kept,) = parked.listed(settings_, "groups")
        assert (kept.type, kept.reason) == ("?", "event.no_json")
        assert parked.drop(settings_, "groups", kept.event_id, reason="publisher.fault") == 1
