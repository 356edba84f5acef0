"""The broker's definitions as one document: what a fresh broker loads before anything else runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kombu.entity import Exchange, Queue

from chassis import rights, topology
from chassis.settings import SERVICES


def definitions(
    follows: Mapping[str, Iterable[str]],
    tells: Mapping[str, Iterable[str]],
    passwords: Mapping[str, str],
    *,
    vhost: str = "tukiverkko",
    administrator: str | None = None,
) -> dict[str, Any]:
    """RabbitMQ definitions for a fresh broker: vhost, users, rights, exchanges, queues and bindings.

    `follows` and `tells` hold the nouns that each service hears of and speaks of, `passwords` one per broker user
    (services and the administrator).
    """
    services = [service for service in SERVICES if service in passwords]
    queues = [queue for service in services for queue in topology.service_queues(service, follows.get(service, ()))]
    exchanges = [topology.events_exchange(), topology.partners_exchange(), *map(topology.returns_exchange, services)]
    allowed = [{"user": service, "vhost": vhost, **rights.permissions(service)} for service in services]
    if administrator:
        allowed.append({"user": administrator, "vhost": vhost, "configure": ".*", "write": ".*", "read": ".*"})
    return {
        "vhosts": [{"name": vhost}],
        "users": [_user(name, password, name == administrator) for name, password in sorted(passwords.items())],
        "permissions": allowed,
        "topic_permissions": [
            row for service in services for row in rights.topic_permissions(service, tells.get(service, ()), vhost)
        ],
        "exchanges": [_exchange(exchange, vhost) for exchange in exchanges],
        "queues": [_queue(queue, vhost) for queue in queues],
        "bindings": [row for queue in queues for row in _bindings(queue, vhost)],
    }


def _user(name: str, password: str, administrator: bool) -> dict[str, Any]:  # noqa: FBT001 - one caller, above
    return {
        "name": name,
        "password_hash": rights.password_hash(password),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": ["administrator"] if administrator else [],
    }


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
        for source, key in topology.sources(queue)
    ]
