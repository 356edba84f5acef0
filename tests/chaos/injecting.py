"""Puts messages into the services' queues that no relay sent: copies of real ones, and poison."""

from __future__ import annotations

import contextlib
import gzip
import json
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pika

from chassis import clock
from chassis.settings import SERVICES
from tests.chaos.rig import COPIES, Rig
from tests.support.client import CENTRE, org_id
from tests.support.proof import Broker

JSON = "application/cloudevents+json"
SOUND = {
    "specversion": "1.0",
    "source": "/services/directory",
    "type": "eu.tukiverkko.organisation.registered.v1",
    "time": "2026-01-01T00:00:00Z",
    "datacontenttype": "application/json",
    "sequence": 1,
    "data": {},
}
Poison = tuple[bytes, dict[str, Any]]


def _event(name: str, **changes: Any) -> bytes:
    document = {**SOUND, "id": name, "subject": str(uuid.uuid4()), **changes}
    return json.dumps({name: value for name, value in document.items() if value is not None}).encode()


POISON: dict[str, Callable[[str], Poison]] = {
    "no json": lambda _: (b"\x00 this is no event", {}),
    "json and no event": lambda _: (b'{"hello": "world"}', {}),
    "pickle": lambda name: (_event(name), {"content_type": "application/x-python-serialize"}),
    "gzip": lambda name: (gzip.compress(_event(name)), {"content_encoding": "gzip"}),
    "too large": lambda name: (_event(name, data={"padding": "x" * 300_000}), {}),
    "five megabytes": lambda _: (b"[" + b"0," * 2_500_000 + b"0]", {}),
    "unknown type": lambda name: (_event(name, type="eu.tukiverkko.organisation.abducted.v1"), {}),
    "unknown type before its turn": lambda name: (
        _event(name, type="eu.tukiverkko.organisation.abducted.v1", sequence=7),
        {},
    ),
    "wrong data": lambda name: (_event(name, data={"key": 7}), {}),
    "no sequence": lambda name: (_event(name, sequence=None), {}),
    "sequence as text": lambda name: (_event(name, sequence="1"), {}),
    "sequence again": lambda name: (
        _event(name, subject=str(org_id(CENTRE)), time=clock.now().isoformat()),
        {"headers": {"audience": "network"}},
    ),
}
FOLLOWERS = ("referrals", "groups", "access", "subscriptions")
"""Who follows organisations, and so knows that a sequence was there before."""


@contextlib.contextmanager
def _channel(rig: Rig) -> Iterator[Any]:
    with contextlib.closing(pika.BlockingConnection(pika.URLParameters(Broker(rig.settings).address))) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        yield channel


def duplicate(rig: Rig, chance: random.Random, most: int) -> int:
    """Send copies of what was published lately to subscriptions once more, in another order; returns how many."""
    with _channel(rig) as channel:
        copies = []
        while len(copies) < most:
            method, properties, body = channel.basic_get(COPIES, auto_ack=True)
            if method is None:
                break
            copies.append((properties, body))
        chance.shuffle(copies)
        for properties, body in copies:
            channel.basic_publish("", "subscriptions.events", body, properties, mandatory=True)
    return len(copies)


@dataclass(frozen=True)
class Sent:
    """One message that nobody can take; its name comes back with what is parked."""

    service: str
    name: str
    body: bytes
    more: dict[str, Any]


def poison(chance: random.Random, kinds: list[str]) -> list[Sent]:
    """Make one message of each kind, each for some service."""
    made = []
    for kind in kinds:
        name = str(uuid.uuid4())  # the message's id and, where it is that readable, the event's
        services = FOLLOWERS if kind == "sequence again" else SERVICES
        made.append(Sent(chance.choice(services), name, *POISON[kind](name)))
    return made


def send(rig: Rig, messages: list[Sent]) -> None:
    """Send them; to be repeated as a whole until it succeeds, for what is parked twice is no fault."""
    with _channel(rig) as channel:
        for each in messages:
            properties = pika.BasicProperties(
                message_id=each.name, delivery_mode=2, **{"content_type": JSON, **each.more}
            )
            channel.basic_publish("", f"{each.service}.events", each.body, properties, mandatory=True)


def names(messages: list[Sent]) -> set[tuple[str, str]]:
    """Service and message id."""
    return {(each.service, each.name) for each in messages}
