"""Counts tries before they are made, and forgets them when they were right."""

from __future__ import annotations

from dataclasses import dataclass

from chassis.db import Work
from services.access.rules import throttling as rules
from services.access.store import throttle as store


@dataclass(frozen=True, slots=True)
class Tries:
    """Under which keys a try counts: its own, and those that it shares with others."""

    own: bytes
    shared: tuple[bytes, ...] = ()


def from_network(work: Work, account: str, address: str) -> Tries:
    """Tries at one account from one network, and all of that network."""
    network = rules.network_of(address)
    return Tries(work.digest("throttle", f"account {network} {account}"), (work.digest("throttle", network),))


def of_one(work: Work, what: str, which: object) -> Tries:
    """Tries with something that a stranger does not have: a registered device, a session."""
    return Tries(work.digest("throttle", f"{what} {which}"))


def begin(work: Work, tries: Tries) -> None:
    """Count a try as failed, before it is made: those made in parallel see it. Raises TooManyRequests."""
    limits = [(tries.own, rules.ACCOUNT_FREE), *((key, rules.NETWORK_FREE) for key in tries.shared)]
    for key, free in limits:
        failures, until = store.lock(work, key, forgotten=work.now - rules.FORGOTTEN_AFTER)
        rules.check_open(until, work.now)
        store.count(work, key, failures=failures + 1, until=work.now + rules.delay(failures + 1, free))


def was_right(work: Work, tries: Tries) -> None:
    """Take the count back."""
    store.right(work, own=tries.own, shared=tries.shared)
