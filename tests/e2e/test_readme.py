"""README keeps its word: its shell blocks run as they stand and print what it shows."""

from __future__ import annotations

import subprocess

import orjson
import pytest

from tests.support.client import eventually
from tests.support.network import Network, environment
from tests.support.readme import ROOT, blocks, shape

SHOWN = [orjson.loads(block) for block in blocks("json")]


def run(network: Network, block: str) -> dict[str, object]:
    done = subprocess.run(
        ("bash", "-eu", "-o", "pipefail", "-c", block),
        cwd=ROOT,
        env=environment(network.settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = orjson.loads(done.stdout)
    return answer


def test_the_commands_print_what_is_shown(demo: Network) -> None:
    if not (ROOT / ".venv" / "bin" / "tukiverkko").exists():
        pytest.skip("README calls .venv/bin/tukiverkko; `make setup` makes it")
    post, read = blocks("sh")
    answer = eventually(lambda: found if "id" in (found := run(demo, post)) else None)
    assert shape(answer) == shape(SHOWN[0])
    changing = ("id", "sent_at", "changed_at", "episode_id", "clocks", "legal_basis")
    assert {**answer, **dict.fromkeys(changing)} == {**SHOWN[0], **dict.fromkeys(changing)}
    events = eventually(lambda: found if (found := run(demo, read)).get("events") else None)
    assert shape(events) == shape(SHOWN[1])


def test_there_are_as_many_answers_as_commands() -> None:
    assert len(blocks("sh")) == len(SHOWN) == 2
