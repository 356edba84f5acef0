"""What an earlier campaign left stays when its seed is repeated: it may be the run that found something."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import run


def test_a_repeated_seed_deletes_no_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "ROOT", tmp_path)
    for number in range(3):
        (run.folder_of(7) / "history.jsonl").write_text(str(number), encoding="ascii")
    kept = {path.parent.name: path.read_text(encoding="ascii") for path in tmp_path.rglob("history.jsonl")}
    assert kept == {"7": "2", "7.1": "0", "7.2": "1"}
