"""The network that is broken: one for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.rig import Rig, running


@pytest.fixture(scope="session")
def broken() -> Iterator[Rig]:
    """A running network with everything planted and nothing wrong yet."""
    with running() as rig:
        yield rig
