"""Sends a failing message to the ladder of retry queues and, when that is used up or useless, to the parked queue.

Headers tell the attempt and the error's class; never an exception's text, which may hold what a person said.
"""

from __future__ import annotations

from typing import Any

from chassis import clock, topology
from chassis.inbox import Kept
from chassis.kinds import timestamp
from chassis.link import BLOCKED, GONE, Link, LinkLost, Outgoing, Receipt

ATTEMPT = "tukiverkko-attempt"
ERROR = "tukiverkko-error"
PARKED = "tukiverkko-parked"
PARKED_AT = "tukiverkko-parked-at"

UNCOUNTED = "tries.uncounted"

LAST_STEP = len(topology.RETRY_LADDER)


class Retries:
    """A connection of its own: a memory alarm blocks what publishes, and must not block the acknowledgements."""

    def __init__(self, link: Link, service: str) -> None:
        self._link = link
        self._service = service
        self._ladder = topology.retry_ladder()

    def delay(self, kept: Kept, message_id: str | None, error: str) -> str:
        """Send to the next step of the ladder, or park after the last; returns the queue. Raises LinkLost."""
        step = attempt_of(kept) + 1
        if not 1 <= step <= LAST_STEP:
            return self.park(kept, message_id, "tries.used_up" if step == LAST_STEP + 1 else UNCOUNTED, error)
        # The pause travels with the message: as an argument of the queue it could never be changed (trap 13)
        expires = {"expiration": str(self._ladder[step - 1])}
        headers = {ATTEMPT: step, ERROR: error}
        return self._send(topology.retry_name(self._service, step), kept, message_id, headers, expires)

    def park(self, kept: Kept, message_id: str | None, reason: str, error: str = "") -> str:
        """Send to the parked queue; returns its name. Raises LinkLost."""
        headers = {ATTEMPT: attempt_of(kept), PARKED: reason, PARKED_AT: timestamp(clock.now()), ERROR: error}
        return self._send(topology.parked_name(self._service), kept, message_id, headers)

    def replay(self, kept: Kept, message_id: str | None) -> str:
        """Send back to the service's queue with a fresh ladder; returns its name. Raises LinkLost."""
        return self._send(topology.queue_name(self._service), kept, message_id, {})

    def close(self) -> None:
        """End the connection."""
        self._link.close()

    def _send(
        self,
        queue: str,
        kept: Kept,
        message_id: str | None,
        extra: dict[str, Any],
        expires: dict[str, str] | None = None,
    ) -> str:
        headers = {**own_headers(kept), **extra}
        properties = {
            "message_id": message_id or "",
            "content_type": kept.content_type,
            "delivery_mode": 2,
            **({"content_encoding": kept.content_encoding} if kept.content_encoding else {}),
            **(expires or {}),
        }
        exchange = topology.returns_exchange(self._service).name
        message = Outgoing(0, exchange, queue, kept.body, headers, properties, mandatory=True)
        if self._publish(message).confirmed != [0]:
            raise LinkLost("retry.not_accepted")
        return queue

    def _publish(self, message: Outgoing) -> Receipt:
        if self._link.is_open:
            try:
                receipt = self._link.publish([message])
            except LinkLost as error:  # most likely the broker closed what was idle for long
                if error.reason == BLOCKED:
                    raise
            else:
                if not receipt.returned:
                    return receipt
        self._open()
        return self._link.publish([message])

    def _open(self) -> None:
        """Connect where needed, and make anew what is gone: a queue that somebody deleted would never take anything."""
        if not self._link.is_open:
            self._link.open()
        try:
            with self._link.limit():
                topology.declare_side(self._link.connection, self._service)
        except GONE as error:
            self._link.abandon()
            raise LinkLost(type(error).__name__) from error


def attempt_of(kept: Kept) -> int:
    """How often the message has been through the ladder; a negative number when its header says what cannot be."""
    value = kept.headers.get(ATTEMPT, 0)
    return value if type(value) is int and 0 <= value <= LAST_STEP else -1  # not a bool, which is an int too


def own_headers(kept: Kept) -> dict[str, Any]:
    """The headers that the publisher gave: without the broker's death record and without ours."""
    return {name: value for name, value in kept.headers.items() if not name.startswith(("x-", "tukiverkko-"))}
