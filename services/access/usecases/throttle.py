"""Slows down whoever fails to prove himself, by client and network address (rules/throttle.py says how much)."""

from __future__ import annotations

import datetime as dt

from chassis.db import Work
from chassis.errors import TooManyRequests
from services.access.rules import throttle as rules
from services.access.store import attempts as store

FORGET = dt.timedelta(seconds=rules.FORGET_SECONDS)


def check(work: Work, who: str, address: str) -> bool:
    """Whether a success has failures of this pair to forget. Raises TooManyRequests while one must wait."""
    pair, network = keys(work, who, address)
    found = store.found(work, (pair, network))
    waits = [
        rules.wait_after(each.failures, (work.now - each.last_at).total_seconds(), pace)
        for key, pace in ((pair, rules.PAIR), (network, rules.ADDRESS))
        if (each := found.get(key)) is not None
    ]
    seconds = rules.longest(waits)
    if seconds:
        raise TooManyRequests(
            "attempt.too_soon", "Too many failures; wait a moment and try again.", retry_after=seconds
        )
    return pair in found


def failed(work: Work, who: str, address: str) -> None:
    """Count a failure."""
    store.failed(work, keys(work, who, address), forget=FORGET)


def succeeded(work: Work, who: str, address: str) -> None:
    """Forget the failures of the pair; those of the address fade by themselves."""
    store.cleared(work, keys(work, who, address)[0])


def keys(work: Work, who: str, address: str) -> tuple[bytes, bytes]:
    """What failures are counted under: hashes, because neither name nor address is to be kept."""
    return work.digest("attempt", f"{who}\0{address}"), work.digest("attempt.address", address)
