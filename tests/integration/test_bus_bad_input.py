"""What is not ours is parked once, unopened and with the reason, and the queue goes on (issue "Bad input")."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import amqp
import orjson
import pytest

from chassis import contracts, parked
from chassis.settings import Settings
from tests.integration.bus_rig import CHANGED, consuming, depth, taken, until
from tests.integration.conformance_rig import PARKED, PATIENCE, QUEUE, Sides, all_quiet, body_of, send
from tests.support.facts import facts

MakeSides = Callable[[Settings], Sides]


def wrong(**change: object) -> bytes:
    """An event of which something is wrong; None takes a field away."""
    document = {**orjson.loads(body_of(uuid.uuid4(), 1)), **change}
    return orjson.dumps({name: value for name, value in document.items() if value is not None})


class Trap:
    """Tells when somebody unpickles it."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return pytest.fail, ("a pickled message was opened",)


def pickled() -> bytes:
    import pickle  # noqa: PLC0415, TID251 - to show that nobody reads it

    return pickle.dumps(Trap())


def compressed() -> bytes:
    import gzip  # noqa: PLC0415 - for this case alone

    return gzip.compress(body_of(uuid.uuid4(), 1))


BAD: dict[str, tuple[Callable[[], bytes], dict[str, str], str]] = {
    "not JSON": (lambda: b'{"id": ', {}, "event.no_json"),
    "not text": (lambda: b"\xff\xfe\x00", {}, "event.no_json"),
    "nothing": (lambda: b"", {}, "event.no_json"),
    "no event": (lambda: b"[1, 2, 3]", {}, "event.no_cloudevent"),
    "unknown type": (lambda: wrong(type="eu.tukiverkko.organisation.vanished.v1"), {}, "event.unknown_type"),
    "unknown version": (lambda: wrong(type="eu.tukiverkko.organisation.changed.v9"), {}, "event.unknown_type"),
    "a foreign type": (lambda: wrong(type="org.example.thing"), {}, "event.unknown_type"),
    "a field missing": (lambda: wrong(data={"version": 1}), {}, "event.wrong_data"),
    "a field ill-typed": (lambda: wrong(data=facts(CHANGED, version="one")), {}, "event.wrong_data"),
    "data of another kind": (lambda: wrong(data=[]), {}, "event.malformed"),
    "no sequence": (lambda: wrong(sequence=None), {}, "event.malformed"),
    "sequence 0": (lambda: wrong(sequence=0), {}, "event.malformed"),
    "sequence as text": (lambda: wrong(sequence="1"), {}, "event.malformed"),
    "5 MB": (lambda: wrong(data={"padding": "x" * 5_000_000}), {}, "event.too_large"),
    "gzip": (compressed, {"content_encoding": "gzip"}, "event.content_type"),
    "gzip by type": (compressed, {"kind": "application/gzip"}, "event.content_type"),
    "pickle": (pickled, {"kind": "application/x-python-serialize"}, "event.content_type"),
    "YAML": (lambda: b"id: 1", {"kind": "application/x-yaml"}, "event.content_type"),
}


def test_what_is_not_ours_is_parked_unopened_and_the_queue_goes_on(bus: Settings, sides: MakeSides) -> None:
    """All bad messages at once, each between two good events: thus it is the queue that has to go on."""
    side, subject, sent = sides(bus), uuid.uuid4(), {}
    with consuming(bus, side.consumer, side.ledger) as consumer:
        for number, (name, (make, properties, _)) in enumerate(BAD.items(), start=1):
            sent[name] = make()
            send(bus, sent[name], message_id=name, **properties)
            send(bus, body_of(subject, number))
        until(lambda: side.ledger.of(subject) == list(range(1, len(BAD) + 1)), PATIENCE)
        until(lambda: depth(bus, PARKED) == len(BAD))
        assert consumer.counts["unreadable"] + consumer.counts["unfit"] == len(BAD)  # each was met once: no loop
        assert consumer.counts["failed"] == 0  # and none was tried again
    assert {subject} == set(side.ledger.applied())
    found = taken(bus, PARKED)
    assert all_quiet(bus)
    for name, message in zip(sent, found, strict=True):
        _, properties, reason = BAD[name]
        assert (name, message.properties["application_headers"]["tukiverkko-parked"]) == (name, reason)
        assert raw(message) == sent[name]
        assert message.properties["content_type"] == properties.get("kind", "application/cloudevents+json")
        assert message.properties.get("content_encoding") == properties.get("content_encoding")


def raw(message: amqp.Message) -> bytes:
    """The body, which py-amqp turns into text when it can."""
    return message.body.encode() if isinstance(message.body, str) else bytes(message.body)


def test_a_second_event_with_the_same_sequence_is_parked(bus: Settings, sides: MakeSides) -> None:
    side, subject = sides(bus), uuid.uuid4()
    with consuming(bus, side.consumer, side.ledger):
        for number in (1, 2, 2, 3):
            send(bus, body_of(subject, number))
        until(lambda: side.ledger.of(subject) == [1, 2, 3])
        until(lambda: depth(bus, PARKED) == 1)
    (message,) = taken(bus, PARKED)
    assert message.properties["application_headers"]["tukiverkko-parked"] == "event.sequence_repeated"
    assert orjson.loads(message.body)["sequence"] == 2


def test_what_breaks_its_contract_holds_up_its_own_aggregate_only(bus: Settings, sides: MakeSides) -> None:
    side, broken, other = sides(bus), uuid.uuid4(), uuid.uuid4()
    with consuming(bus, side.consumer, side.ledger):
        send(bus, body_of(broken, 1, data={"version": 1}))
        send(bus, body_of(broken, 2))
        send(bus, body_of(other, 1))
        until(lambda: side.ledger.of(other) == [1])
        until(lambda: depth(bus, PARKED) == 1 and depth(bus, QUEUE) == 0)
        until(lambda: side.ledger.rows("SELECT sequence, reason FROM inbox_waiting") == [(2, "blocked")])
    assert side.ledger.of(broken) == []


def test_what_breaks_its_contract_before_its_turn_is_parked_at_once(bus: Settings, sides: MakeSides) -> None:
    """It does not wait, and nothing waits for it for ever: once it is dropped in its turn its stream goes on."""
    side, subject = sides(bus), uuid.uuid4()
    early = body_of(subject, 3, type_="organisation.abducted")
    name = orjson.loads(early)["id"]
    with consuming(bus, side.consumer, side.ledger):
        send(bus, early)
        until(lambda: depth(bus, PARKED) == 1)
        assert side.ledger.rows("SELECT FROM inbox_waiting") == []
        assert parked.drop(bus, "groups", name, reason="operator.test").goes_on is False  # 1 and 2 are missing
        for number in (1, 2, 4):
            send(bus, body_of(subject, number))
        until(lambda: side.ledger.rows("SELECT sequence, reason FROM inbox_waiting") == [(4, "gap")])
        assert side.ledger.of(subject) == [1, 2]
        send(bus, early)  # told again, as it is asked for
        until(lambda: depth(bus, PARKED) == 1)
        until(lambda: side.ledger.rows("SELECT FROM inbox_gate WHERE blocked_by IS NOT NULL"))
        assert parked.drop(bus, "groups", name, reason="operator.test").goes_on is True
        until(lambda: side.ledger.of(subject) == [1, 2, 4])


def test_what_was_parked_before_its_turn_is_replayed_in_its_turn(
    bus: Settings, sides: MakeSides, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service was too old for it; a newer one takes it."""
    side, subject = sides(bus), uuid.uuid4()
    monkeypatch.setattr(contracts, "fault_of", lambda name, *_: None if name == CHANGED.name else "event.unknown_type")
    with consuming(bus, side.consumer, side.ledger):
        send(bus, body_of(subject, 2, type_="organisation.registered"))
        until(lambda: depth(bus, PARKED) == 1)
        send(bus, body_of(subject, 1))
        send(bus, body_of(subject, 3))
        until(lambda: side.ledger.rows("SELECT sequence, reason FROM inbox_waiting") == [(3, "gap")])
        monkeypatch.setattr(contracts, "fault_of", lambda *_: None)
        assert parked.replay(bus, "groups").done == 1
        until(lambda: side.ledger.of(subject) == [1, 2, 3])
