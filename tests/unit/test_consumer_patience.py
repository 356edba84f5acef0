"""A consumer waits for a database that is gone, and not for ever for one that is busy with the very event."""

from __future__ import annotations

import threading

import pytest

from chassis.errors import Unavailable
from chassis.link import LinkLost
from chassis.patience import BUSY_TRIES, Patience


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> Patience:
    made = Patience("groups", threading.Event())
    monkeypatch.setattr(made, "sleep", lambda _seconds: None)
    return made


def test_busy_every_time_is_given_up(patience: Patience) -> None:
    tries = []

    def step() -> None:
        tries.append(1)
        raise Unavailable("database.busy", "x")

    with pytest.raises(Unavailable):
        patience.for_database(step)
    assert len(tries) == BUSY_TRIES


def test_gone_is_waited_for(patience: Patience) -> None:
    tries = []

    def step() -> str:
        tries.append(1)
        if len(tries) < 30:
            raise Unavailable("database.unavailable", "x")
        return "done"

    assert patience.for_database(step) == "done"


def test_waiting_for_the_broker_alone_is_no_sign_of_life(patience: Patience, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a consumer that can neither delay nor park what failed would look healthy for ever."""
    tries, beats = [], []
    monkeypatch.setattr(patience.pulse, "beat", lambda: beats.append(1))

    def send() -> str:
        tries.append(1)
        if len(tries) < 30:
            raise LinkLost("retry.not_accepted")
        return "parked"

    assert patience.for_broker(send) == "parked"
    assert beats == []
