"""The change tier: a minute of mixed faults while clients work; then everything must be there, once and in order.

TUKIVERKKO_CHAOS_SEED repeats a run's faults; the seed is printed by every run.
"""

from __future__ import annotations

import pytest

from tests.chaos.rig import Rig
from tests.chaos.run import CHANGE, SEED_SETTING, Campaign, seed_of_this_run


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_mixed_faults_lose_nothing(broken: Rig) -> None:
    seed = seed_of_this_run()
    print(f"{SEED_SETTING}={seed}")  # noqa: T201 - shown when the test fails
    figures = Campaign(broken, CHANGE, seed).run()
    print(figures.table())  # noqa: T201 - for whoever reads the run
    assert figures.wrong == []
    assert figures.faults >= CHANGE.faults
    assert figures.kinds >= CHANGE.kinds
    assert figures.transitions >= CHANGE.transitions
    assert figures.requests_repeated > 0  # somebody did notice
    assert figures.partner_got > CHANGE.transitions
