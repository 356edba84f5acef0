"""What a backup folder holds: names of pieces across their wrap, half and whole bases, how old keys may be."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from deploy.local import archive, checking, pruning
from deploy.local.archive import Shelf, Whole
from deploy.local.faults import LocalFault
from deploy.local.postgres import KEYS

NOON = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)


def base(shelf: Shelf, name: str, *, day: int, first: str) -> Path:
    folder = shelf.bases / name
    folder.mkdir(parents=True)
    at = (NOON + dt.timedelta(days=day)).isoformat()
    whole = Whole(archive.FORMAT, KEYS, "1", 15, at, at, 0, "", first, first, [])
    archive.write_whole(folder, whole)
    return folder


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    made = Shelf(KEYS, tmp_path)
    made.log.mkdir(parents=True)
    return made


def test_pieces_are_counted_across_their_wrap() -> None:
    names = list(archive._count("0000000100000000000000FE", "000000010000000100000001"))
    wrapped = ["0000000100000001000000" + end for end in ("00", "01")]
    assert names == ["0000000100000000000000FE", "0000000100000000000000FF", *wrapped]


def test_a_base_names_the_pieces_it_needs(tmp_path: Path) -> None:
    told = {"WAL-Ranges": [{"Timeline": 2, "Start-LSN": "1/FF000028", "End-LSN": "2/1000100"}]}
    (tmp_path / archive.MANIFEST).write_text(json.dumps(told), encoding="utf-8")
    assert archive.range_of(tmp_path) == ("0000000200000001000000FF", "000000020000000200000001")


def test_a_base_without_its_last_file_is_none(shelf: Shelf) -> None:
    (shelf.bases / "20261125T120000.0Z.half").mkdir(parents=True)
    (shelf.bases / "20261125T130000.0Z").mkdir()
    with pytest.raises(LocalFault, match="only a half one"):
        shelf.newest()
    assert len(shelf.half()) == 2


def test_what_is_too_old_goes_but_never_the_newest(shelf: Shelf) -> None:
    names = [f"00000001000000000000000{number}" for number in range(1, 7)]
    for name in names:
        (shelf.log / f"{name}.gz").touch()
    for day, first in enumerate((names[0], names[2], names[4])):
        base(shelf, f"2026112{day}", day=day, first=first)
    pruning.prune(shelf, NOON + dt.timedelta(days=0, hours=1))
    assert [path.name for path in shelf.whole()] == ["20261121", "20261122"]
    assert shelf.pieces("00000001") == names[2:]
    pruning.prune(shelf, NOON + dt.timedelta(days=99))
    assert [path.name for path in shelf.whole()] == ["20261122"]
    assert shelf.pieces("00000001") == names[4:]


def test_keys_may_end_a_little_before_the_cases_and_no_more() -> None:
    allowed = dt.timedelta(minutes=5)
    checking.refuse_older_keys(NOON, NOON - allowed, allowed)
    checking.refuse_older_keys(NOON, NOON + dt.timedelta(days=30), allowed)
    with pytest.raises(LocalFault, match="The key store is older than the case stores"):
        checking.refuse_older_keys(NOON, NOON - allowed - dt.timedelta(seconds=1), allowed)
