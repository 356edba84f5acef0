"""Operators look at, replay and drop what was parked; nothing is disturbed, lost or told, also when one is killed."""

from __future__ import annotations

import datetime as dt
import gzip
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import amqp
import psycopg
import pytest

from chassis import clock, parked, reasons, retry, shelf
from chassis.db import Database
from chassis.errors import NotFound, Unavailable
from chassis.inbox import Kept
from chassis.kinds import timestamp
from chassis.link import Link, LinkLost
from chassis.settings import Settings
from tests.integration.bus_rig import channel_of, consuming, depth, relaying, tell, until
from tests.integration.test_consumer import Handler, groups, message, publisher, rows, settings_, short_ladder
from tests.support.databases import root_url
from tests.support.rows import rows as seen

ROOT = Path(__file__).parents[2]
PARKED = "groups.events.parked"
AUDIT = "SELECT operation, count(*) FROM audit WHERE operation LIKE 'parked.%%' GROUP BY operation"


def park(settings: Settings, *messages: amqp.Message, at: dt.datetime | None = None) -> None:
    """Put messages into the parked queue as a consumer would."""
    with channel_of(settings) as channel:
        for each in messages:
            said = {retry.PARKED: "tries.used_up", retry.PARKED_AT: timestamp(at or clock.now())}
            each.properties["application_headers"] = {**(each.properties.get("application_headers") or {}), **said}
            channel.basic_publish(each, "groups.events", PARKED)


def rubbish(body: bytes, **properties: Any) -> amqp.Message:
    return amqp.Message(body, delivery_mode=2, content_type="application/cloudevents+json", **properties)


def audited(settings: Settings) -> dict[str, int]:
    """Audit rows by operation, read as the superuser: a service cannot read its own."""
    return dict(seen(settings, "groups", AUDIT))


@contextmanager
def command(settings: Settings, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A real `tukiverkko` as an operator runs it."""
    environment = {
        **os.environ,
        **(settings.environment or {}),
        "TUKIVERKKO_HOME": str(settings.home),
        "TUKIVERKKO_PORT": str(settings.port),
        "TUKIVERKKO_VHOST": settings.vhost,
        "PYTHONPATH": str(ROOT),
    }
    process = subprocess.Popen(
        (sys.executable, "-m", "deploy.local.cli", *words), env=environment, cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_parked_event_is_listed_replayed_and_another_dropped(
    settings_: Settings,
    publisher: Database,
    groups: Database,
) -> None:
    handler, first, second = Handler(), uuid.uuid4(), uuid.uuid4()
    handler.failing |= {first, second}
    begun = clock.now()
    with relaying(settings_, "directory"), consuming(settings_, groups, handler):
        tell(publisher, first, 3)
        tell(publisher, second, 3)
        until(lambda: depth(settings_, PARKED) == 2)
        found = {entry.subject: entry for entry in parked.listed(settings_, "groups")}
        assert {(entry.type, entry.sequence, entry.reason, entry.error) for entry in found.values()} == {
            ("organisation.changed", 1, "tries.used_up", "RuntimeError")
        }
        assert all(entry.parked_at and begun < entry.parked_at < clock.now() for entry in found.values())
        assert {entry.source for entry in found.values()} == {"directory"}
        until(lambda: parked.shown(settings_, "groups", found[str(first)].event_id).waiting == 2)
        handler.failing.clear()
        assert parked.replay(settings_, "groups", found[str(first)].event_id).done == 1
        until(lambda: handler.applied[first] == [1, 2, 3])
        assert parked.drop(settings_, "groups", found[str(second)].event_id, reason="publisher.fault").done == 1
        until(lambda: handler.applied[second] == [2, 3])
    assert depth(settings_, PARKED) == 0
    before = audited(settings_)
    with pytest.raises(NotFound):
        parked.drop(settings_, "groups", str(uuid.uuid4()), reason="publisher.fault")
    with pytest.raises(NotFound):
        parked.shown(settings_, "groups", "no id at all")
    assert audited(settings_) == before
    assert {name: count for name, count in before.items() if name != "parked.show"} == {
        "parked.list": 1, "parked.replay": 2, "parked.drop": 1,  # a replay is asked for, and done
    }  # fmt: skip
    assert rows(settings_, "SELECT FROM inbox_waiting") == []


def test_what_is_parked_again_at_once_is_replayed_once(
    settings_: Settings,
    groups: Database,
) -> None:
    def back() -> bool:
        return depth(settings_, PARKED) == 3

    with consuming(settings_, groups, Handler()):
        sender = retry.Retries(Link(settings_.amqp_url("groups"), name="groups test"), "groups")
        with closing(sender):
            for number in range(3):
                sender.replay(Kept(b"{no json %d" % number, {}), str(uuid.uuid4()))
        until(back)
        assert parked.replay(settings_, "groups").done == 3
        until(back)
        kept, *_ = parked.listed(settings_, "groups")
        assert (kept.type, kept.reason) == ("?", "event.no_json")
        assert parked.drop(settings_, "groups", kept.event_id, reason="publisher.fault").done == 1
    assert depth(settings_, PARKED) == 2


def test_thousands_are_listed_in_order_and_lie_there_as_before(settings_: Settings) -> None:
    subjects = [uuid.uuid4() for _ in range(2500)]
    park(settings_, *(message(subject, 1) for subject in subjects))
    for _ in range(3):
        assert [entry.subject for entry in parked.listed(settings_, "groups")] == list(map(str, subjects))
    assert depth(settings_, PARKED) == len(subjects)
    assert audited(settings_) == {"parked.list": 3}


def test_a_second_operator_waits_instead_of_seeing_nothing(settings_: Settings) -> None:
    """Who looks holds the messages: without the lock the second would be told that nothing is parked."""
    park(settings_, message(uuid.uuid4(), 1))
    with shelf.opened(settings_, "groups", 5.0) as first:
        assert len(list(first.messages())) == 1
        with pytest.raises(Unavailable) as refused:
            parked.listed(settings_, "groups")
        assert refused.value.code == "parked.busy"
    assert len(parked.listed(settings_, "groups")) == 1


def test_a_command_that_is_killed_while_it_looks_holds_nothing(settings_: Settings) -> None:
    park(settings_, *(message(uuid.uuid4(), 1) for _ in range(50)))
    script = (
        "import sys, time; from chassis import shelf; from chassis.settings import Settings\n"
        "with shelf.opened(Settings.load(), 'groups', 5.0) as it:\n"
        "    print(len(list(it.messages())), flush=True); time.sleep(60)"
    )
    environment = {
        **os.environ, **(settings_.environment or {}), "TUKIVERKKO_HOME": str(settings_.home),
        "TUKIVERKKO_PORT": str(settings_.port), "TUKIVERKKO_VHOST": settings_.vhost, "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    process = subprocess.Popen((sys.executable, "-c", script), env=environment, cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"50\n"
    assert depth(settings_, PARKED) == 0
    process.kill()
    process.communicate()
    until(lambda: depth(settings_, PARKED) == 50)
    assert len(parked.listed(settings_, "groups")) == 50


def test_only_what_was_parked_since_then_is_replayed(settings_: Settings) -> None:
    now = clock.now()
    old, new, unknown = (message(uuid.uuid4(), 1) for _ in range(3))
    park(settings_, old, at=now - dt.timedelta(hours=3))
    park(settings_, new, at=now - dt.timedelta(minutes=5))
    with channel_of(settings_) as channel:  # parked by a version that did not write the time
        channel.basic_publish(unknown, "groups.events", PARKED)
    assert parked.replay(settings_, "groups", since=now - dt.timedelta(hours=1)).done == 1
    assert depth(settings_, PARKED) == 2
    assert depth(settings_, "groups.events") == 1
    assert parked.replay(settings_, "groups", since=now).done == 0


def test_a_replay_that_is_killed_half_way_loses_nothing(settings_: Settings, groups: Database) -> None:
    subjects = [uuid.uuid4() for _ in range(1500)]
    park(settings_, *(message(subject, 1) for subject in subjects))
    handler = Handler()
    with consuming(settings_, groups, handler):
        with command(settings_, "parked", "replay", "--all", "--service", "groups") as process:
            until(lambda: len(handler.applied) > 100)
            process.send_signal(signal.SIGKILL)
            process.wait()
            assert process.returncode == -signal.SIGKILL, "it was over before it was killed"
        # the broker needs a moment to notice
        until(lambda: depth(settings_, PARKED) > 0)
        time.sleep(0.5)
        left = depth(settings_, PARKED)
        assert 0 < left < len(subjects)
        assert parked.replay(settings_, "groups").done == left
        until(lambda: len(handler.applied) == len(subjects))
        until(lambda: depth(settings_, "groups.events") == 0)
    assert all(handler.applied[subject] == [1] for subject in subjects)
    assert depth(settings_, PARKED) == 0
    # that it was asked for is committed before its message goes: none went without its row, at most the last has two
    assert len(subjects) <= audited(settings_)["parked.replay"] <= len(subjects) + 1


def test_nothing_of_a_message_is_shown_but_names_codes_ids_and_times(settings_: Settings) -> None:
    secret = "Jonas Jonaitis, +370 600 00000"
    well_formed = message(uuid.uuid4(), 1)
    well_formed.body = well_formed.body.replace(b"/services/directory", f"/services/{secret}".encode())
    park(settings_, well_formed, rubbish(secret.encode(), message_id=secret), rubbish(gzip.compress(secret.encode())))
    with channel_of(settings_) as channel:
        odd = {retry.PARKED: secret, retry.ERROR: secret, retry.PARKED_AT: secret, retry.ATTEMPT: secret, "x-death": 1}
        channel.basic_publish(rubbish(b"{}", application_headers=odd), "groups.events", PARKED)
    found = parked.listed(settings_, "groups")
    assert [entry.reason for entry in found] == ["tries.used_up"] * 3 + ["?"]
    assert len({entry.event_id for entry in found}) == 4
    for entry in found:
        detail = parked.shown(settings_, "groups", entry.event_id)
        assert "Jonas" not in str(asdict(detail))
        assert detail.explanation == (reasons.UNKNOWN if entry.reason == "?" else reasons.explained("tries.used_up"))
        assert parked.drop(settings_, "groups", entry.event_id, reason="test").done == 1
    assert depth(settings_, PARKED) == 0


def test_what_the_broker_parked_at_its_delivery_limit_is_explained_too(settings_: Settings) -> None:
    with channel_of(settings_) as channel:
        channel.basic_publish(message(uuid.uuid4(), 1), "groups.events", "groups.events")
        until(lambda: _given_back(channel))
    until(lambda: depth(settings_, PARKED) == 1)
    (entry,) = parked.listed(settings_, "groups")
    assert entry.reason == "delivery.limit"
    assert entry.parked_at is not None
    assert abs(entry.parked_at - clock.now()) < dt.timedelta(minutes=5)
    assert parked.replay(settings_, "groups", since=clock.now() - dt.timedelta(minutes=10)).done == 1


def _given_back(channel: amqp.Channel) -> bool:
    """Take the message and give it back; True when it does not come any more."""
    found = channel.basic_get("groups.events")
    if found is not None:
        channel.basic_reject(found.delivery_tag, requeue=True)
    return found is None


def test_the_compressed_stays_compressed_and_unread(settings_: Settings, groups: Database) -> None:
    packed = gzip.compress(b"{}")
    with consuming(settings_, groups, Handler()):
        with channel_of(settings_) as channel:
            channel.basic_publish(rubbish(packed, content_encoding="gzip"), "groups.events", "groups.events")
        until(lambda: depth(settings_, PARKED) == 1)
        assert parked.replay(settings_, "groups").done == 1
        until(lambda: depth(settings_, PARKED) == 1)
    (entry,) = parked.listed(settings_, "groups")
    assert entry.reason == "event.content_type"


def test_without_the_broker_it_is_said(settings_: Settings) -> None:
    gone = Settings.load({**(settings_.environment or {}), "TUKIVERKKO_HOME": str(settings_.home),
                          "TUKIVERKKO_PORT": str(settings_.port), "TUKIVERKKO_AMQP_PORT": "1"})  # fmt: skip
    with pytest.raises(LinkLost):
        parked.listed(gone, "groups")
    assert audited(settings_) == {}


def test_root_sees_no_lock_left(settings_: Settings) -> None:
    """The lock of an operator ends with the look."""
    park(settings_, message(uuid.uuid4(), 1))
    parked.listed(settings_, "groups")
    with psycopg.connect(root_url(settings_, "groups"), autocommit=True) as connection:
        asked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"  # noqa: E501
        assert connection.execute(asked, (shelf.LOCK,)).fetchone() == (0,)


def test_when_the_time_is_over_the_rest_is_counted_and_stays(settings_: Settings) -> None:
    park(settings_, *(message(uuid.uuid4(), 1) for _ in range(5)))
    with parked.at(settings_, "groups") as desk:
        assert parked.replay_many(desk, until=time.monotonic()) == parked.Replayed(0, 5)
        progress: list[tuple[int, int]] = []
        assert parked.replay_many(desk, told=lambda *each: progress.append(each)) == parked.Replayed(5, 0)
    assert progress == [(number, 5) for number in range(1, 6)]
    assert (depth(settings_, PARKED), depth(settings_, "groups.events")) == (0, 5)


def test_a_message_that_was_parked_twice_is_dropped_whole(settings_: Settings) -> None:
    subject, event_id = uuid.uuid4(), uuid.uuid4()
    park(settings_, message(subject, 1, id=event_id), message(uuid.uuid4(), 1), message(subject, 1, id=event_id))
    assert parked.drop(settings_, "groups", str(event_id), reason="test").done == 2
    assert audited(settings_) == {"parked.drop": 1}
    assert depth(settings_, PARKED) == 1


def test_a_replay_that_cannot_be_sent_was_asked_for_all_the_same(
    settings_: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row comes first: an event that is at the service again without a row would be the worse lie."""
    seen_at: list[dict[str, int]] = []

    def refuse(*_: object) -> str:
        seen_at.append(audited(settings_))
        raise LinkLost("retry.not_accepted")

    monkeypatch.setattr(retry.Retries, "replay", refuse)
    event_id = uuid.uuid4()
    park(settings_, message(uuid.uuid4(), 1, id=event_id))
    for named in (str(event_id), None):
        with pytest.raises(LinkLost):
            parked.replay(settings_, "groups", named)
    assert seen_at == [{"parked.replay": 1}, {"parked.replay": 2}]
    assert seen(settings_, "groups", "SELECT outcome FROM audit WHERE operation = 'parked.replay'") == [("asked",)] * 2
    until(lambda: depth(settings_, PARKED) == 1)
