"""The least rights of every user at the broker (bus.md section 5): services by noun, partners by their own queue.

Topic permissions default to *allow*: a topic exchange without a row for a user is open to him with every key
(architecture.md trap 10), so each user has a row for each exchange.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterable
from uuid import UUID

from chassis.topology import EVENTS, PARTNERS, REPUBLISH, RETRY_LADDER

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_NOTHING = "^$"


def permissions(service: str) -> dict[str, str]:
    """The least rights of a service's broker user.

    Binding a queue takes write on the queue and read on the exchange; dead-lettering takes read on the queue and write
    on the exchange. The subscriptions service alone writes `partners`.
    """
    own = rf"{re.escape(service)}\.events(\.(retry\.[1-{len(RETRY_LADDER)}]|parked))?"
    shared = f"{EVENTS}|{PARTNERS}" if service == "subscriptions" else EVENTS
    return {"configure": f"^{own}$", "write": f"^({shared}|{own})$", "read": f"^({EVENTS}|{own})$"}


def topic_permissions(service: str, nouns: Iterable[str], vhost: str) -> list[dict[str, str]]:
    """One row per topic exchange of the vhost: without a row the broker allows every key (trap 10).

    A service speaks of its own nouns alone, and may ask others to tell again what it misses.
    """
    outward = rf"^(network|org\.{_UUID})\.[a-z_]+\.[a-z_]+$" if service == "subscriptions" else _NOTHING
    own = "|".join(sorted({*nouns, REPUBLISH}))
    rows = {
        EVENTS: (rf"^({own})\.[a-z_]+$", ".*"),
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


def _topic_row(user: str, vhost: str, exchange: str, write: str, read: str) -> dict[str, str]:
    return {"user": user, "vhost": vhost, "exchange": exchange, "write": write, "read": read}
