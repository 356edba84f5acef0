"""What a use case is asked for and what it answers, in words that know nothing of HTTP; and repeated requests.

A request that carries an idempotency key is remembered for seven days in the transaction of its write: id and status
only, the body is rebuilt under the rights of the day it is asked again (http-api.md, Idempotency-Key).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chassis.errors import Conflict, Invalid

if TYPE_CHECKING:
    from chassis.db import Work
    from chassis.identity import Caller


@dataclass(slots=True, kw_only=True)
class Call:
    """One thing asked for.

    `route` is the method and the template ("POST /referrals"), `raw` the body as it came (for the comparison of a
    repeated key), `body`, `path` and `query` are loaded values, `expected_version` comes from If-Match and
    `known_version` from If-None-Match, `last_seen` (of a stream) from Last-Event-ID, `deadline` is a moment of
    time.monotonic(), `client_address` the network address of the client as the gateway saw it. `credentials` is what a
    public route's Authorization header held, when it was no token of ours; `media_type` and `file_name` say what an
    unread body is; `cookies` reach access
    only, the gateway holds them back from all others; `recorded` becomes true when an audit row of this call is
    committed.
    """

    route: str
    operation: str
    caller: Caller | None = None
    request_id: str = "-"
    trace: str | None = None
    body: dict[str, Any] = field(default_factory=dict)
    raw: bytes = b""
    path: dict[str, Any] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    expected_version: int | None = None
    known_version: int | None = None
    last_seen: int | None = None
    idempotency_key: str | None = None
    deadline: float | None = None
    client_address: str = ""
    media_type: str = ""
    file_name: str | None = field(default=None, repr=False)
    credentials: str = field(default="", repr=False)
    cookies: dict[str, str] = field(default_factory=dict, repr=False)
    recorded: bool = False


@dataclass(slots=True, kw_only=True)
class Outcome:
    """The answer of a use case: a plain value, the version of what it shows, and where it lives when it is new.

    `relation` is the caller's to what is shown, by which the door picks the fields (chassis/policy.py).
    """

    value: Any = None
    version: int | None = None
    location: str | None = None
    relation: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, frozen=True)
class Later:
    """An answer that has to be waited for; `answer` waits where neither a worker nor a connection is held."""

    answer: Callable[[], Any]


# The lock answers "is the same request running right now"; the row answers "was it done before".
CLAIM = """
SELECT pg_try_advisory_xact_lock(hashtextextended(%(scope)s || ' ' || %(key)s, 0)) AS mine, r.object_id, r.mac
  FROM (VALUES (1)) AS one LEFT JOIN request AS r ON r.scope = %(scope)s AND r.key = %(key)s
"""


def claim(work: Work) -> UUID | None:
    """Claim the idempotency key of the running call.

    Returns None when the work is to be done now, else the id of the object that the first request made or changed.
    Raises Conflict while the first one is still running and Invalid when the key came with another body before.
    """
    call = work.call
    if call is None or call.idempotency_key is None:
        return None
    scope = scope_of(call)
    row = work.one(CLAIM, {"scope": scope, "key": hashed(call.idempotency_key, work.request_key)})
    if row is None or (not row["mine"] and row["object_id"] is None):
        raise Conflict("idempotency_key.in_progress", "The first request with this Idempotency-Key is still running.")
    if row["object_id"] is None:
        return None
    if not hmac.compare_digest(row["mac"], fingerprint(call, work.request_key)):
        message = "This Idempotency-Key was used before with another body; use a new key for a new request."
        raise Invalid("idempotency_key.reused", message)
    found: UUID = row["object_id"]
    return found


def scope_of(call: Call) -> str:
    """Keys are scoped to the client and the route with its ids, so that nobody meets another client's answer."""
    ids = ",".join(str(value) for value in call.path.values())
    return f"{call.caller.subject if call.caller else 'public'} {call.route} {ids}"


def hashed(idempotency_key: str, key: bytes) -> str:
    """HMAC-SHA256 of a client's key: it may be the number of somebody's case, so only this is kept."""
    return hmac.new(key, f"idempotency\0{idempotency_key}".encode(), hashlib.sha256).hexdigest()


def fingerprint(call: Call, key: bytes) -> bytes:
    """HMAC-SHA256 of the body; only this is kept, never the body."""
    return hmac.new(key, call.raw, hashlib.sha256).digest()
