"""The one place that names and declares exchanges, queues and their arguments (bus.md section 2).

Arguments are a contract: a queue declared otherwise by another version of the code answers 406 and the service does not
start (architecture.md trap 13). So every argument is written out here, none is left to a broker version's default, and
nothing else in the repository declares.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from kombu import Connection
from kombu.entity import Exchange, Queue, binding

from chassis.settings import SettingsError

EVENTS = "events"
PARTNERS = "partners"
EVERYTHING = "#"
REPUBLISH = "republish"
"""The noun of requests to tell events again; every service may speak of it, and every publisher hears of it."""

DELIVERY_LIMIT = 50
"""Deliveries before the broker itself parks a message: above what crashes in a row give to an innocent one."""

PARKED_LIMIT = 1_000_000

RETRY_LADDER = (5, 60, 900, 7200)
"""Seconds between the delayed tries; each message carries its own, so another ladder holds from the next one on."""

LONGEST_STEP = 2_000_000
"""Seconds; the broker closes the channel on an expiration that does not fit into 32 bits of milliseconds."""

PARTNER_QUEUE_LENGTH = 100_000
LONGEST_PARTNER_QUEUE = 10_000_000
PARTNER_QUEUE_BYTES = 256 * 1024 * 1024
PARTNER_QUEUE_SECONDS = 14 * 24 * 3600

_LADDER_SETTING = "TUKIVERKKO_RETRY_LADDER"
_LENGTH_SETTING = "TUKIVERKKO_PARTNER_QUEUE_LENGTH"
_STEPS = len(RETRY_LADDER)


def retry_ladder(env: Mapping[str, str] | None = None) -> tuple[int, ...]:
    """The ladder in milliseconds, by TUKIVERKKO_RETRY_LADDER ("5,60,900,7200", seconds). Raises SettingsError."""
    text = (os.environ if env is None else env).get(_LADDER_SETTING)
    if not text:
        return tuple(step * 1000 for step in RETRY_LADDER)
    if not re.fullmatch(rf"\d+(\.\d+)?(,\d+(\.\d+)?){{{_STEPS - 1}}}", text):
        message = f"{_LADDER_SETTING} is {text!r}; expected {_STEPS} numbers of seconds with commas between."
        raise SettingsError(message)
    steps = [float(step) for step in text.split(",")]
    if max(steps) > LONGEST_STEP:
        message = f"{_LADDER_SETTING} is {text!r}; expected no step above {LONGEST_STEP} seconds."
        raise SettingsError(message)
    return tuple(int(step * 1000) for step in steps)


def events_exchange() -> Exchange:
    """Every event inside, key `<noun>.<past_verb>`."""
    return Exchange(EVENTS, type="topic", durable=True, auto_delete=False)


def partners_exchange() -> Exchange:
    """What outsiders may have, key `network.<noun>.<verb>` or `org.<id>.<noun>.<verb>`."""
    return Exchange(PARTNERS, type="topic", durable=True, auto_delete=False)


def returns_exchange(service: str) -> Exchange:
    """A service's own way to its queue, retry queues and parked queue.

    With it no user needs a right on the default exchange, through which any queue of the vhost could be written.
    """
    return Exchange(queue_name(service), type="direct", durable=True, auto_delete=False)


def queue_name(service: str) -> str:
    """`<service>.events`."""
    return f"{service}.events"


def parked_name(service: str) -> str:
    """`<service>.events.parked`."""
    return f"{service}.events.parked"


def retry_name(service: str, step: int) -> str:
    """`<service>.events.retry.<step>`, steps from 1."""
    return f"{service}.events.retry.{step}"


def side_queues(service: str) -> list[str]:
    """Where a service's failing events wait: the ladder and the parked queue."""
    return [*(retry_name(service, step) for step in range(1, _STEPS + 1)), parked_name(service)]


def events_queue(service: str, nouns: Iterable[str]) -> Queue:
    """The one queue of a service, bound by noun so that it sees every event of an aggregate it follows."""
    name = queue_name(service)
    bindings = [binding(events_exchange(), routing_key=key) for key in binding_keys(nouns)]
    returns = binding(returns_exchange(service), routing_key=name)
    return Queue(name, bindings=[*bindings, returns], durable=True, queue_arguments=_inner(name, parked_name(service)))


def retry_queues(service: str) -> list[Queue]:
    """The waiting rooms between two delayed tries; each dead-letters back to the service's queue.

    One for each step of the ladder: a queue lets its first message go first, so all in it must wait equally long.
    """
    target = queue_name(service)
    names = side_queues(service)[:_STEPS]
    arguments = _inner(target, target)
    return [
        Queue(name, returns_exchange(service), routing_key=name, durable=True, queue_arguments=arguments)
        for name in names
    ]


def parked_queue(service: str) -> Queue:
    """Where a message waits for an operator; nothing leaves it by itself."""
    name = parked_name(service)
    # Looking at a parked message counts as a delivery, and from 4.0 the default limit is 20
    arguments = {"x-queue-type": "quorum", "x-overflow": "reject-publish", "x-delivery-limit": PARKED_LIMIT}
    return Queue(name, returns_exchange(service), routing_key=name, durable=True, queue_arguments=arguments)


def partner_queue_name(org_key: str, name: str) -> str:
    """`partner.<org>.<name>`: the name of a grant's user, and the beginning of its queue's."""
    return f"partner.{org_key}.{name}"


def partner_arguments() -> dict[str, Any]:
    """Limits of a partner's queue, as arguments so that no policy can change them unseen.

    They hold for grants made from then on; the queue of an older one keeps its own. Another length is set by
    TUKIVERKKO_PARTNER_QUEUE_LENGTH. Raises SettingsError.
    """
    length = os.environ.get(_LENGTH_SETTING) or str(PARTNER_QUEUE_LENGTH)
    if not length.isdigit() or not 1 <= int(length) <= LONGEST_PARTNER_QUEUE:
        message = f"{_LENGTH_SETTING} is {length!r}; expected a number of events from 1 to {LONGEST_PARTNER_QUEUE}."
        raise SettingsError(message)
    return {
        "x-queue-type": "quorum",
        "x-overflow": "drop-head",
        "x-max-length": int(length),
        "x-max-length-bytes": PARTNER_QUEUE_BYTES,
        "x-message-ttl": PARTNER_QUEUE_SECONDS * 1000,
        "x-delivery-limit": DELIVERY_LIMIT,
    }


def binding_keys(nouns: Iterable[str]) -> list[str]:
    """Nouns to binding keys: `organisation` → `organisation.*`; `#` stays what it is and swallows the rest."""
    wanted = set(nouns)
    return [EVERYTHING] if EVERYTHING in wanted else sorted(f"{noun}.*" for noun in wanted)


def service_queues(service: str, nouns: Iterable[str]) -> list[Queue]:
    """All queues of a service."""
    return [events_queue(service, nouns), *retry_queues(service), parked_queue(service)]


def declare_service(connection: Connection, service: str, nouns: Iterable[str]) -> None:
    """Declare what `service` stands on, with the rights of its own user; the shared exchanges must be there already.

    Raises amqp NotFound while they are not: they come with the definitions that the broker loads when it starts.
    """
    with connection.channel() as channel:
        channel.exchange_declare(EVENTS, "topic", passive=True)
        returns_exchange(service)(channel).declare()
        _declare_queues(channel, service_queues(service, nouns))


def declare_side(connection: Connection, service: str) -> None:
    """Declare where the failing events of `service` wait, and the way there, as at its start."""
    with connection.channel() as channel:
        returns_exchange(service)(channel).declare()
        _declare_queues(channel, [*retry_queues(service), parked_queue(service)])


def seen(channel: Any, queue: str) -> tuple[int, int]:
    """How many messages wait in a queue and how many consumers read it, as the broker sees it; changes nothing."""
    found = channel.queue_declare(queue, passive=True)
    return found.message_count, found.consumer_count


def declare_shared(connection: Connection) -> None:
    """Declare the two shared exchanges; needs an administrator's rights."""
    with connection.channel() as channel:
        for exchange in (events_exchange(), partners_exchange()):
            exchange(channel).declare()


def _declare_queues(channel: Any, queues: Iterable[Queue]) -> None:
    for queue in queues:
        bound = queue(channel)
        bound.queue_declare()
        for source, key in sources(queue):
            bound.bind_to(source, key)


def _inner(returns: str, key: str) -> dict[str, Any]:
    return {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": returns,
        "x-dead-letter-routing-key": key,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def sources(queue: Queue) -> list[tuple[str, str]]:
    """Exchange and key of each binding of a queue."""
    several = [(item.exchange.name, item.routing_key) for item in queue.bindings]
    return several or [(queue.exchange.name, queue.routing_key)]
