"""A consumer waits for a database that is gone, and not for ever for one that is busy with the very event."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from chassis.errors import Unavailable
from chassis.pulse import Pulse
from chassis.settling import BUSY_TRIES, Settler


@pytest.fixture
def settler(monkeypatch: pytest.MonkeyPatch) -> Settler:
    made = Settler.__new__(Settler)  # its connections are not what is tried here
    made.counts, made.pulse = Counter(), Pulse()
    made._stopping = threading.Event()
    monkeypatch.setattr(made, "_sleep", lambda _seconds: None)
    return made


def test_busy_every_time_is_given_up(settler: Settler) -> None:
    tries = []

    def step() -> None:
        tries.append(1)
        raise Unavailable("database.busy", "x")

    with pytest.raises(Unavailable):
        settler._patiently(step)
    assert len(tries) == BUSY_TRIES


def test_gone_is_waited_for(settler: Settler) -> None:
    tries = []

    def step() -> str:
        tries.append(1)
        if len(tries) < 30:
            raise Unavailable("database.unavailable", "x")
        return "done"

    assert settler._patiently(step) == "done"
