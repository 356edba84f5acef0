"""How long a case stood in each state."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referrals.rules.durations import lasted
from services.referrals.rules.lifecycle import CLOSED, FINAL, STATES

BEGAN = dt.datetime(2026, 11, 2, 8, tzinfo=dt.UTC)


def at(*seconds: float) -> list[dt.datetime]:
    return [BEGAN + dt.timedelta(seconds=each) for each in seconds]


def test_each_entry_counts_to_the_next_and_the_last_to_now() -> None:
    assert lasted(at(0, 60, 60.9), state="accepted", now=at(100)[0]) == [60, 0, 39]
    assert lasted([], state="sent", now=BEGAN) == []


@pytest.mark.parametrize("state", [*STATES, CLOSED])
def test_only_what_is_not_over_is_still_running(state: str) -> None:
    over = state in FINAL or state == CLOSED
    assert lasted(at(0), state=state, now=at(90)[0]) == [None if over else 90]


@given(st.lists(st.integers(0, 10**8), min_size=1).map(sorted))
def test_the_spans_of_whole_seconds_fill_the_time(seconds: list[int]) -> None:
    now = BEGAN + dt.timedelta(seconds=seconds[-1] + 5)
    spans = lasted(at(*seconds), state="sent", now=now)
    assert sum(span or 0 for span in spans) == seconds[-1] + 5 - seconds[0]
