"""The state file names processes so that no stranger with a reused pid is ever ended."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deploy.local import folders, state
from deploy.local.faults import LocalFault
from deploy.local.ports import OFFSETS
from deploy.local.program import start_time
from deploy.local.state import Line, State
from deploy.local.watch import LOG_BYTES, cut


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A prepared home."""
    folders.prepare_home(tmp_path / "home")
    return tmp_path / "home"


def test_a_process_is_known_by_pid_and_start_time() -> None:
    started = start_time(os.getpid())
    assert started
    assert Line("me", os.getpid(), started).alive
    assert not Line("somebody before me", os.getpid(), started - 1).alive
    assert not Line("nobody").alive


def test_orphans_leave_strangers_alone(home: Path) -> None:
    stranger = Line("postgres", os.getpid(), 1)
    state.write(home, State(Line("supervisor", 1, 1), "running", {"postgres": stranger}))
    assert state.end_orphans(home) == []


def test_the_state_comes_back_as_it_was_written(home: Path) -> None:
    written = State(Line("supervisor", 7, 8, 9), "running", {"relay": Line("relay", 1, 2, 3, ready=True)})
    state.write(home, written)
    assert state.read(home) == written


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"phase": "running"}', '{"supervisor": {}, "processes": {}, "phase": 1}']
)
def test_a_broken_state_file_is_no_state(home: Path, text: str) -> None:
    state.path_of(home).write_text(text, encoding="utf-8")
    assert state.read(home) is None


def test_a_home_is_held_once(home: Path) -> None:
    with state.hold(home), pytest.raises(LocalFault, match="already runs"):
        state.hold(home)
    state.hold(home).close()


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "FREE_BYTES_NEEDED", 2**62)
    with pytest.raises(LocalFault, match="MiB left"):
        folders.prepare_home(tmp_path / "home")


def test_a_home_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalFault, match="TUKIVERKKO_HOME"):
        folders.prepare_home(tmp_path / "file" / "home")


def test_a_long_log_is_cut_and_its_old_part_kept(tmp_path: Path) -> None:
    log = tmp_path / "relay.log"
    with log.open("ab") as file:
        file.write(b"x" * (LOG_BYTES + 1))
        file.flush()
        cut(log)
        file.write(b"new")
    assert log.read_bytes() == b"new"
    assert (tmp_path / "relay.log.1").stat().st_size == LOG_BYTES + 1


def test_every_port_has_one_owner() -> None:
    assert len(set(OFFSETS.values())) == len(OFFSETS)
