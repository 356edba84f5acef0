"""A partner's rights as the broker keeps them: user, limits, queue, bindings, permissions (bus.md section 5).

The permissions come last: until then the new user cannot even enter the virtual host. Every step may be repeated, so a
grant that broke off half-way is made again by the same call.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from chassis import rights, topology
from chassis.management import Management

MOST_CONNECTIONS = 3
MOST_CHANNELS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerUser:
    """What the broker is told of one grant."""

    user: str
    password: str = field(repr=False)
    queue: str
    org_id: uuid.UUID
    keys: tuple[str, ...]


def admit(broker: Management, partner: PartnerUser) -> None:
    """Make the user and all that it may have. Raises BrokerRefused and Unavailable."""
    set_password(broker, partner.user, partner.password)
    for limit, most in (("max-connections", MOST_CONNECTIONS), ("max-channels", MOST_CHANNELS)):
        broker.put("user-limits", partner.user, limit, body={"value": most})
    for row in topic_rows(broker, partner):
        broker.put("topic-permissions", broker.vhost, partner.user, body=row)
    # What a grant left that broke off half-way nobody reads; made by another version it would refuse these arguments
    broker.delete("queues", broker.vhost, partner.queue)
    broker.put("queues", broker.vhost, partner.queue, body=queue_body())
    for key in partner.keys:
        place = ("bindings", broker.vhost, "e", topology.PARTNERS, "q", partner.queue)
        broker.post(*place, body={"routing_key": key, "arguments": {}})
    broker.put("permissions", broker.vhost, partner.user, body=rights.partner_permissions(partner.queue))


def queue_body() -> dict[str, Any]:
    """What a partner's queue is: it cuts its oldest rather than ever hold up the relay; no dead-lettering."""
    return {"durable": True, "auto_delete": False, "arguments": topology.partner_arguments()}


def set_password(broker: Management, user: str, password: str) -> None:
    """Make the user, or give it another password; the broker gets the hash alone."""
    body = {
        "password_hash": rights.password_hash(password),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": "",
    }
    broker.put("users", user, body=body)


def topic_rows(broker: Management, partner: PartnerUser) -> list[dict[str, str]]:
    """One row for every exchange of the virtual host: one without a row is open to every key (trap 10)."""
    known = rights.partner_topic_permissions(partner.user, partner.org_id, broker.vhost)
    named = {row["exchange"] for row in known}
    rest = sorted(name for name in exchanges(broker) if name not in named)
    return [*known, *({**known[0], "exchange": name, "write": "^$", "read": "^$"} for name in rest)]


def exchanges(broker: Management) -> Iterable[str]:
    """The names of all exchanges of the virtual host, but for the nameless one, which takes no topics."""
    return [each["name"] for each in broker.get("exchanges", broker.vhost) or () if each["name"]]


def disconnect(broker: Management, user: str) -> None:
    """Close what the user has open, so that an old password ends with its connections."""
    broker.delete("connections", "username", user)


def expel(broker: Management, user: str, queue: str) -> None:
    """Remove the user, which closes its connections, and the queue."""
    broker.delete("users", user)
    broker.delete("queues", broker.vhost, queue)
