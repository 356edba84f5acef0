"""A consumer waits for a database that is gone, and not for ever for one that is busy with the very event."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from chassis.consumer import BUSY_TRIES, Consumer
from chassis.errors import Unavailable


@pytest.fixture
def consumer(monkeypatch: pytest.MonkeyPatch) -> Consumer:
    made = Consumer.__new__(Consumer)  # its connections are not what is tried here
    made.counts = Counter()
    made._stopping = threading.Event()
    monkeypatch.setattr(made, "_sleep", lambda _seconds: None)
    return made


def test_busy_every_time_is_given_up(consumer: Consumer) -> None:
    tries = []

    def step() -> None:
        tries.append(1)
        raise Unavailable("database.busy", "x")

    with pytest.raises(Unavailable):
        consumer._patiently(step)
    assert len(tries) == BUSY_TRIES


def test_gone_is_waited_for(consumer: Consumer) -> None:
    tries = []

    def step() -> str:
        tries.append(1)
        if len(tries) < 30:
            raise Unavailable("database.unavailable", "x")
        return "done"

    assert consumer._patiently(step) == "done"
