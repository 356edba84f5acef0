"""How many requests one asker may make in a minute, and how many that find nothing (http-api.md, Limits).

An asker is a verified caller (organisation and subject) or, without a token, a network: each has counts of its own, so
that nobody uses up what belongs to another. Counts live in this process and slide with the time.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import Counter

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from chassis import health
from chassis.errors import TooManyRequests
from chassis.identity import Caller
from chassis.settings import Settings
from chassis.tracing import emit

FAILED = frozenset({401, 403, 404})
"""Answers that somebody gets who tries tokens, rights or ids."""
WINDOW_SECONDS = 60
SWEEP_SECONDS = 10.0
CALLER, NETWORK, FAILURES = "caller", "network", "failures"
DETAIL = "Too many requests came from here within a minute; wait as long as Retry-After says."
_ONCE = RateLimitItemPerMinute(1)
Asker = tuple[str, ...]
"""Which policy counts the requests, and who it is."""


def asker_of(caller: Caller) -> Asker:
    """The asker behind a token."""
    return CALLER, str(caller.org_id), caller.subject


def network_of(address: str) -> Asker:
    """The asker without a token: an IPv4 address, or the /56 that one household or site gets of IPv6."""
    return NETWORK, _network(address, 32, 56)


class Limits:
    """The counts of one gateway."""

    def __init__(self, settings: Settings) -> None:
        """Nobody has asked yet."""
        self._counts = MemoryStorage()
        self._counts.timer = _NoTimer(0.0, lambda: None)
        self._sweep_due = 0.0
        self._windows = SlidingWindowCounterRateLimiter(self._counts)
        self._policies = {
            CALLER: RateLimitItemPerMinute(settings.caller_per_minute),
            NETWORK: RateLimitItemPerMinute(settings.network_per_minute),
            FAILURES: RateLimitItemPerMinute(settings.failures_per_minute),
        }
        self.refused: Counter[str] = Counter()
        health.counter("requests_limited", "Requests refused by a limit", "policy", lambda: self.refused)

    def admit(self, asker: Asker, request_id: str) -> list[tuple[str, str]]:
        """Count a request; returns the headers that say what is left. Raises TooManyRequests."""
        self._sweep()
        policy = asker[0]
        if not self._windows.test(self._policies[FAILURES], FAILURES, *asker):
            raise self._refusal(FAILURES, asker, request_id)
        if not self._windows.hit(self._policies[policy], *asker):
            raise self._refusal(policy, asker, request_id)
        return self._headers(policy, asker)

    def _sweep(self) -> None:
        """Drop the counts whose time is over, from time to time; of those that are asked about the library does it."""
        now = time.monotonic()
        if now >= self._sweep_due:
            self._sweep_due = now + SWEEP_SECONDS
            for key in tuple(self._counts.expirations):
                self._counts.get(key)

    def note(self, asker: Asker, status: int) -> None:
        """Count an answer, if it is one that guessing brings."""
        if status in FAILED:
            self._windows.hit(self._policies[FAILURES], FAILURES, *asker)

    def _refusal(self, policy: str, asker: Asker, request_id: str) -> TooManyRequests:
        self.refused[policy] += 1
        if self._windows.hit(_ONCE, "told", policy, *asker):  # one line in a minute, not one per guess
            emit(
                {
                    "level": "warning",
                    "event": "limit.reached",
                    "request_id": request_id,
                    "reason": policy,
                    **_who(asker),
                }
            )
        refusal = TooManyRequests("requests.too_many", DETAIL, retry_after=self._state(policy, asker)[1])
        refusal.headers = self._headers(policy, asker)
        return refusal

    def _headers(self, policy: str, asker: Asker) -> list[tuple[str, str]]:
        left, seconds = self._state(policy, asker)
        return [
            ("RateLimit-Policy", f'"{policy}";q={self._policies[policy].amount};w={WINDOW_SECONDS}'),
            ("RateLimit", f'"{policy}";r={left};t={seconds}'),
        ]

    def _state(self, policy: str, asker: Asker) -> tuple[int, int]:
        """What is left, and in how many seconds there is more."""
        names = asker if policy == asker[0] else (policy, *asker)
        reset, left = self._windows.get_window_stats(self._policies[policy], *names)
        return left, max(1, math.ceil(reset - time.time()))


class _NoTimer(threading.Timer):
    """Does nothing, for ever: the library starts a thread with a hit, which looks through all counts there are."""

    def is_alive(self) -> bool:
        """Nothing has to be started."""
        return True


def _who(asker: Asker) -> dict[str, str]:
    """Who it is, for the log: ids of a caller; of a network less than would name one person."""
    if asker[0] == CALLER:
        return {"org_id": asker[1], "subject": asker[2]}
    return {"network": _network(asker[1].partition("/")[0], 24, 48)}


def _network(address: str, bits: int, bits_of_six: int) -> str:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])  # a link-local one names its interface
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return str(ipaddress.ip_network(f"{found}/{bits if found.version == 4 else bits_of_six}", strict=False))  # noqa: PLR2004 - the version of IP
