"""The one place that names and declares exchanges, queues, their arguments and the rights on them (bus.md section 2).

Arguments are a contract: a queue declared otherwise by another version of the code answers 406 and the service does not
start (architecture.md trap 13). So every argument is written out here, none is left to a broker version's default, and
nothing else in the repository declares.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from kombu import Connection
from kombu.entity import Exchange, Queue, binding

from chassis.settings import SERVICES, SettingsError

EVENTS = "events"
PARTNERS = "partners"
EVERYTHING = "#"

DELIVERY_LIMIT = 50
"""Deliveries before the broker itself parks a message: above what crashes in a row give to an innocent one."""

PARKED_LIMIT = 1_000_000

RETRY_LADDER = (5, 60, 900, 7200)
"""Seconds between the delayed tries; another ladder means deleting the empty retry queues first (trap 13)."""

PARTNER_QUEUE_LENGTH = 100_000
PARTNER_QUEUE_SECONDS = 14 * 24 * 3600

_LADDER_SETTING = "TUKIVERKKO_RETRY_LADDER"
_STEPS = len(RETRY_LADDER)
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_NOTHING = "^$"


def retry_ladder(env: Mapping[str, str] | None = None) -> tuple[int, ...]:
    """The ladder in milliseconds; TUKIVERKKO_RETRY_LADDER ("5,60,900,7200", seconds) is for tests only."""
    text = (os.environ if env is None else env).get(_LADDER_SETTING)
    if not text:
        return tuple(step * 1000 for step in RETRY_LADDER)
    if not re.fullmatch(rf"\d+(\.\d+)?(,\d+(\.\d+)?){{{_STEPS - 1}}}", text):
        message = f"{_LADDER_SETTING} is {text!r}; expected {_STEPS} numbers of seconds with commas between."
        raise SettingsError(message)
    return tuple(int(float(step) * 1000) for step in text.split(","))


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


def events_queue(service: str, nouns: Iterable[str]) -> Queue:
    """The one queue of a service, bound by noun so that it sees every event of an aggregate it follows."""
    name = queue_name(service)
    bindings = [binding(events_exchange(), routing_key=key) for key in binding_keys(nouns)]
    returns = binding(returns_exchange(service), routing_key=name)
    return Queue(name, bindings=[*bindings, returns], durable=True, queue_arguments=_inner(name, parked_name(service)))


def retry_queues(service: str, ladder: tuple[int, ...] | None = None) -> list[Queue]:
    """The waiting rooms between two delayed tries; each dead-letters back to the service's queue."""
    target = queue_name(service)
    queues = []
    for step, milliseconds in enumerate(ladder or retry_ladder(), start=1):
        name = retry_name(service, step)
        arguments = {**_inner(target, target), "x-message-ttl": milliseconds}
        queues.append(Queue(name, returns_exchange(service), routing_key=name, durable=True, queue_arguments=arguments))
    return queues


def parked_queue(service: str) -> Queue:
    """Where a message waits for an operator; nothing leaves it by itself."""
    name = parked_name(service)
    # Looking at a parked message counts as a delivery, and from 4.0 the default limit is 20
    arguments = {"x-queue-type": "quorum", "x-overflow": "reject-publish", "x-delivery-limit": PARKED_LIMIT}
    return Queue(name, returns_exchange(service), routing_key=name, durable=True, queue_arguments=arguments)


def partner_queue(org_key: str, name: str, keys: Iterable[str]) -> Queue:
    """The queue of one grant: it cuts its oldest rather than ever hold up the relay; no dead-lettering."""
    bindings = [binding(partners_exchange(), routing_key=key) for key in keys]
    return Queue(
        partner_queue_name(org_key, name), bindings=bindings, durable=True, queue_arguments=partner_arguments()
    )


def partner_queue_name(org_key: str, name: str) -> str:
    """`partner.<org>.<name>`."""
    return f"partner.{org_key}.{name}"


def partner_arguments() -> dict[str, Any]:
    """Limits of a partner's queue, as arguments so that no policy can change them unseen."""
    return {
        "x-queue-type": "quorum",
        "x-overflow": "drop-head",
        "x-max-length": PARTNER_QUEUE_LENGTH,
        "x-message-ttl": PARTNER_QUEUE_SECONDS * 1000,
        "x-delivery-limit": DELIVERY_LIMIT,
    }


def binding_keys(nouns: Iterable[str]) -> list[str]:
    """Nouns to binding keys: `organisation` → `organisation.*`; `#` stays what it is and swallows the rest."""
    wanted = set(nouns)
    return [EVERYTHING] if EVERYTHING in wanted else sorted(f"{noun}.*" for noun in wanted)


def service_queues(service: str, nouns: Iterable[str], ladder: tuple[int, ...] | None = None) -> list[Queue]:
    """All queues of a service."""
    return [events_queue(service, nouns), *retry_queues(service, ladder), parked_queue(service)]


def declare_service(connection: Connection, service: str, nouns: Iterable[str]) -> None:
    """Declare what `service` stands on, with the rights of its own user; the shared exchanges must be there already.

    Raises amqp NotFound while they are not: they come with the definitions that the broker loads when it starts.
    """
    with connection.channel() as channel:
        channel.exchange_declare(EVENTS, "topic", passive=True)
        returns_exchange(service)(channel).declare()
        for queue in service_queues(service, nouns):
            bound = queue(channel)
            bound.queue_declare()
            for source, key in _sources(queue):
                bound.bind_to(source, key)


def declare_shared(connection: Connection) -> None:
    """Declare the two shared exchanges; needs an administrator's rights."""
    with connection.channel() as channel:
        for exchange in (events_exchange(), partners_exchange()):
            exchange(channel).declare()


def definitions(
    nouns: Mapping[str, Iterable[str]],
    passwords: Mapping[str, str],
    *,
    vhost: str = "tukiverkko",
    administrator: str | None = None,
    ladder: tuple[int, ...] | None = None,
) -> dict[str, Any]:
    """RabbitMQ definitions for a fresh broker: vhost, users, rights, exchanges, queues and bindings.

    `nouns` says what each service follows, `passwords` holds one per broker user (services and the administrator).
    """
    services = [service for service in SERVICES if service in passwords]
    queues = [queue for service in services for queue in service_queues(service, nouns.get(service, ()), ladder)]
    exchanges = [events_exchange(), partners_exchange(), *map(returns_exchange, services)]
    rights = [{"user": service, "vhost": vhost, **permissions(service)} for service in services]
    if administrator:
        rights.append({"user": administrator, "vhost": vhost, "configure": ".*", "write": ".*", "read": ".*"})
    return {
        "vhosts": [{"name": vhost}],
        "users": [_user(name, password, name == administrator) for name, password in sorted(passwords.items())],
        "permissions": rights,
        "topic_permissions": [row for service in services for row in topic_permissions(service, vhost)],
        "exchanges": [_exchange(exchange, vhost) for exchange in exchanges],
        "queues": [_queue(queue, vhost) for queue in queues],
        "bindings": [row for queue in queues for row in _bindings(queue, vhost)],
    }


def permissions(service: str) -> dict[str, str]:
    """The least rights of a service's broker user.

    Binding a queue takes write on the queue and read on the exchange; dead-lettering takes read on the queue and write
    on the exchange. The subscriptions service alone writes `partners`.
    """
    own = rf"{re.escape(service)}\.events(\.(retry\.[1-{_STEPS}]|parked))?"
    shared = f"{EVENTS}|{PARTNERS}" if service == "subscriptions" else EVENTS
    return {"configure": f"^{own}$", "write": f"^({shared}|{own})$", "read": f"^({EVENTS}|{own})$"}


def topic_permissions(service: str, vhost: str) -> list[dict[str, str]]:
    """One row per topic exchange of the vhost: without a row the broker allows every key (trap 10)."""
    outward = rf"^(network|org\.{_UUID})\.[a-z_]+\.[a-z_]+$" if service == "subscriptions" else _NOTHING
    rows = {
        EVENTS: (r"^[a-z_]+\.[a-z_]+$", ".*"),
        PARTNERS: (outward, _NOTHING),
        **dict.fromkeys(_FOREIGN, (_NOTHING, _NOTHING)),
    }
    return [_topic_row(service, vhost, exchange, write, read) for exchange, (write, read) in rows.items()]


def partner_permissions(queue: str) -> dict[str, str]:
    """The rights of a grant's broker user: read and bind its own queue, nothing else."""
    own = re.escape(queue)
    return {"configure": _NOTHING, "write": f"^{own}$", "read": f"^({PARTNERS}|{own})$"}


def partner_topic_permissions(user: str, org_id: UUID, vhost: str) -> list[dict[str, str]]:
    """A grant binds by `network.…` and its own `org.<id>.…` alone; every other topic exchange is shut."""
    keys = rf"^(network|org\.{org_id})(\.[a-z_*]+){{0,2}}(\.#)?$"
    rows = {EVENTS: _NOTHING, PARTNERS: keys, **dict.fromkeys(_FOREIGN, _NOTHING)}
    return [_topic_row(user, vhost, exchange, _NOTHING, read) for exchange, read in rows.items()]


_FOREIGN = ("amq.topic", "amq.rabbitmq.trace")
"""Topic exchanges that the broker makes in every vhost."""


def password_hash(password: str, salt: bytes | None = None) -> str:
    """The broker's own form of a password (`rabbit_password_hashing_sha256`): base64 of salt and digest."""
    salt = os.urandom(4) if salt is None else salt
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _inner(returns: str, key: str) -> dict[str, Any]:
    return {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": returns,
        "x-dead-letter-routing-key": key,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def _user(name: str, password: str, administrator: bool) -> dict[str, Any]:  # noqa: FBT001 - one caller, above
    return {
        "name": name,
        "password_hash": password_hash(password),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": ["administrator"] if administrator else [],
    }


def _topic_row(user: str, vhost: str, exchange: str, write: str, read: str) -> dict[str, str]:
    return {"user": user, "vhost": vhost, "exchange": exchange, "write": write, "read": read}


def _exchange(exchange: Exchange, vhost: str) -> dict[str, Any]:
    return {
        "name": exchange.name,
        "vhost": vhost,
        "type": exchange.type,
        "durable": True,
        "auto_delete": False,
        "internal": False,
        "arguments": {},
    }


def _queue(queue: Queue, vhost: str) -> dict[str, Any]:
    arguments = dict(queue.queue_arguments)
    return {"name": queue.name, "vhost": vhost, "durable": True, "auto_delete": False, "arguments": arguments}


def _sources(queue: Queue) -> list[tuple[str, str]]:
    several = [(item.exchange.name, item.routing_key) for item in queue.bindings]
    return several or [(queue.exchange.name, queue.routing_key)]


def _bindings(queue: Queue, vhost: str) -> list[dict[str, Any]]:
    return [
        {
            "source": source,
            "vhost": vhost,
            "destination": queue.name,
            "destination_type": "queue",
            "routing_key": key,
            "arguments": {},
        }
        for source, key in _sources(queue)
    ]
