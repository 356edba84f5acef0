"""What operators decide about streams: a gap is given up, a drop that moves nothing says so, what is lost is named."""

from __future__ import annotations

import uuid

import amqp
import pytest

from chassis import giving_up, inbox, parked, shelf
from chassis.db import Database
from chassis.envelope import Received
from chassis.errors import NotFound
from chassis.settings import Settings
from deploy.local.commands import figures
from tests.integration.bus_rig import consuming, depth, until
from tests.integration.test_consumer import Handler, groups, message, rows, send, settings_, short_ladder
from tests.integration.test_parked import PARKED, command, park
from tests.support.rows import rows as seen

__all__ = ["groups", "settings_", "short_ladder"]

GATES = "SELECT source, last, floor, blocked_by, asked_at, asks FROM inbox_gate ORDER BY source, last"
AUDIT = "SELECT operation, object_type, object_id, basis, subject FROM audit WHERE operation = 'parked.forget'"


def test_a_gap_that_nobody_can_fill_is_given_up_and_what_waits_goes_on(settings_: Settings, groups: Database) -> None:
    handler, erased, other = Handler(), uuid.uuid4(), uuid.uuid4()
    with consuming(settings_, groups, handler):
        send(settings_, *(message(erased, number) for number in (1, 5, 6, 9)), message(other, 2))
        until(lambda: rows(settings_, "SELECT count(*) FROM inbox_waiting") == [(4,)])
        given = giving_up.forget(settings_, "groups", erased, reason="operator.erased")
        assert given == giving_up.GivenUp(steps=3, streams=1)
        until(lambda: handler.applied[erased] == [1, 5, 6])
        send(settings_, message(erased, 3))  # late, and given up: old, no fault
        until(lambda: depth(settings_, "groups.events") == 0)
        assert giving_up.forget(settings_, "groups", erased, reason="operator.erased").steps == 2
        until(lambda: handler.applied[erased] == [1, 5, 6, 9])
    assert handler.applied[other] == []
    assert depth(settings_, PARKED) == 0
    assert (
        seen(settings_, "groups", AUDIT)
        == [("parked.forget", "stream", erased, "operator.erased", parked.OPERATOR)] * 2
    )


def test_all_streams_of_the_object_go_on_and_what_blocked_them_is_forgotten(
    settings_: Settings, groups: Database
) -> None:
    handler, subject, lost = Handler(), uuid.uuid4(), message(uuid.uuid4(), 1)
    with consuming(settings_, groups, handler):
        send(settings_, message(subject, 4))
        until(lambda: rows(settings_, "SELECT count(*) FROM inbox_waiting") == [(1,)])
    blocker = uuid.UUID(str(lost.properties["message_id"]))
    seen(
        settings_, "groups",
        "WITH w AS (INSERT INTO inbox_waiting (event_id, source, subject, audience, sequence, body, headers, reason,"
        " since) SELECT gen_random_uuid(), 'referrals', subject, 'network', 3, body, headers, reason, since"
        " FROM inbox_waiting), g AS (INSERT INTO inbox_gate (source, subject, audience, last)"
        " VALUES ('referrals', %s, 'network', 0))"
        " UPDATE inbox_gate SET blocked_by = %s, asks = 5, asked_at = now() RETURNING 1",
        (subject, blocker),
    )  # fmt: skip
    given = giving_up.forget(settings_, "groups", subject, reason="operator.erased")
    assert given == giving_up.GivenUp(steps=3 + 2, streams=2)
    assert rows(settings_, GATES) == [("directory", 3, 3, None, None, 0), ("referrals", 2, 2, None, None, 0)]


def test_only_where_something_waits_for_a_missing_one(settings_: Settings, groups: Database) -> None:
    handler, well = Handler(), uuid.uuid4()
    with consuming(settings_, groups, handler):
        send(settings_, message(well, 1))
        until(lambda: handler.applied[well])
        for subject in (well, uuid.uuid4()):
            with pytest.raises(NotFound, match=r"stream\.nothing_missing"):
                giving_up.forget(settings_, "groups", subject, reason="operator.erased")
    assert seen(settings_, "groups", AUDIT) == []
    assert rows(settings_, "SELECT last, floor FROM inbox_gate") == [(1, 0)]


def test_the_command_says_what_is_given_up(settings_: Settings, groups: Database) -> None:
    subject = uuid.uuid4()
    with consuming(settings_, groups, Handler()):
        send(settings_, message(subject, 2))
        until(lambda: rows(settings_, "SELECT count(*) FROM inbox_waiting") == [(1,)])
    words = ("parked", "forget", str(subject), "--reason", "operator.erased", "--service", "groups")
    for code, said in ((0, f"1 missing event given up in 1 stream of {subject}"), (1, "Nothing of this object waits")):
        with command(settings_, *words) as process:
            output = b"".join(process.communicate()).decode()
            assert (process.returncode, said in output) == (code, True), output


def test_a_drop_that_lets_nothing_go_on_says_so(settings_: Settings, groups: Database) -> None:
    """The second is dropped while the first is parked too: the stream waits for the first."""
    subject, second, third = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    with groups.background("test") as work:
        one = message(subject, 1, id=uuid.uuid4())
        held = parked_event(one)
        inbox.block(work, (held.source, held.subject, held.audience), held.id, held.sequence)
    park(settings_, one, message(subject, 2, id=second), message(subject, 3, id=third))
    assert parked.drop(settings_, "groups", str(third), reason="test") == parked.Dropped(1, goes_on=False)
    words = ("parked", "drop", str(second), "--reason", "test", "--service", "groups")
    with command(settings_, *words) as process:
        output = process.communicate()[0].decode()
        assert process.returncode == 0
        assert "does not go on by that: an earlier event of the same object is parked or missing" in output
    first = str(parked_event(one).id)
    assert parked.drop(settings_, "groups", first, reason="test") == parked.Dropped(1, goes_on=True)
    assert depth(settings_, PARKED) == 0


def parked_event(told: amqp.Message) -> Received:
    """The event of a message."""
    body, headers = told.body, told.headers
    return inbox.Kept(body.encode() if isinstance(body, str) else body, headers).read()


def test_more_than_is_read_at_once_is_told_and_is_still_there(
    settings_: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "MOST", 3)
    park(settings_, *(message(uuid.uuid4(), 1) for _ in range(5)))
    assert parked.replay(settings_, "groups") == parked.Replayed(3, 2)
    assert parked.replay(settings_, "groups") == parked.Replayed(2, 0)


def test_a_type_that_is_none_is_not_shown(settings_: Settings) -> None:
    for odd in ("jonas.jonaitis +370 600 00000", "referral." + "x" * 80, "r" * 39 + "." + "s" * 39):
        told = message(uuid.uuid4(), 1)
        told.body = told.body.replace(b"organisation.changed", odd.encode())
        park(settings_, told)
    assert [entry.type for entry in parked.listed(settings_, "groups")] == ["?", "?", "?"]


def test_the_figures_name_the_object_that_waits_longest_behind_a_lost_one(
    settings_: Settings, groups: Database
) -> None:
    first, second = uuid.uuid4(), uuid.uuid4()
    with consuming(settings_, groups, Handler()):
        send(settings_, message(first, 2), message(second, 2))
        until(lambda: rows(settings_, "SELECT count(*) FROM inbox_waiting") == [(2,)])
    age = "UPDATE inbox_waiting SET since = now() - interval '{}' WHERE subject = %s RETURNING 1"
    seen(settings_, "groups", age.format("200 seconds"), (second,))
    assert figures.rows_of(settings_, "groups")["blocked_first"] is None
    seen(settings_, "groups", "UPDATE inbox_gate SET blocked_by = gen_random_uuid() RETURNING 1")
    row = figures.rows_of(settings_, "groups")
    assert (row["blocked"], row["blocked_first"]) == (2, {"source": "directory", "subject": str(second)})
    assert 200 <= row["blocked_seconds"] < 300
