"""Passwords are hashed while everything else goes on (architecture.md, trap 16)."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from chassis import hashing
from chassis.errors import Unavailable


def ticks(way: str) -> int:
    """How often the clock of green threads ticked while 20 passwords were hashed."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.integration.hashing_process", way]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return int(ran.stdout.split()[0])


def test_the_clock_goes_on_while_passwords_are_hashed() -> None:
    assert ticks("plain") <= 25  # without the pool: once between two hashes at best
    assert ticks("pool") > 25


def test_at_most_four_hashes_run_and_a_crowd_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, sent_away, gate = [0], [0], [0], threading.Event()
    lock = threading.Lock()

    def slow(_password: str) -> str:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        gate.wait(30)
        with lock:
            running[0] -= 1
        return "hash"

    def one() -> None:
        try:
            hashing._apart(slow, "x")
        except Unavailable:
            sent_away[0] += 1
            gate.set()  # only when the queue is full does anything go on

    monkeypatch.setattr(hashing, "_waiting", [0])
    threads = [threading.Thread(target=one) for _ in range(hashing.AT_ONCE + hashing.MOST_WAITING + 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == hashing.AT_ONCE
    assert sent_away[0] >= 1
