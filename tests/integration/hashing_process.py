"""A green process that hashes many passwords at once while a clock of green threads ticks; prints how often."""

# ruff: noqa: I001 - chassis.launch patches the standard library and must come first
from __future__ import annotations

from chassis import launch

import sys

import eventlet

from chassis import hashing
from chassis.errors import Unavailable

HASHES = 20
TICK = 0.005


def tick(done: list[str]) -> int:
    """How often a green thread came to its turn until all is done."""
    count = 0
    while len(done) < HASHES:
        eventlet.sleep(TICK)
        count += 1
    return count


def hash_one(done: list[str]) -> None:
    """One sign-in, which comes again when it is sent away."""
    while True:
        try:
            done.append(hashing.hashed("a password of a test"))
        except Unavailable:
            eventlet.sleep(TICK)
        else:
            return


def main(way: str) -> None:
    if way == "plain":
        hashing.apart = lambda work, *given: work(*given)
    done: list[str] = []
    ticking = eventlet.spawn(tick, done)
    for _ in range(HASHES):
        eventlet.spawn(hash_one, done)
    sys.stdout.write(f"{ticking.wait()} {launch.__name__}\n")


if __name__ == "__main__":
    main(sys.argv[1])
