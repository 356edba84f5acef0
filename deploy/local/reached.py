"""Up to which moment a backup reaches: the newest commit in its archived log, read without starting anything."""

from __future__ import annotations

import datetime as dt
import gzip
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from deploy.local.archive import Shelf, Whole

COMMIT = re.compile(r"COMMIT (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) UTC")
PIECES = 50  # further back than that nothing was committed for most of an hour, and the base's own time is near enough
DUMP_SECONDS = 120


class Log(Protocol):
    """A base and the pieces of log behind it."""

    @property
    def shelf(self) -> Shelf: ...  # noqa: D102 -- said in restore.Chosen
    @property
    def whole(self) -> Whole: ...  # noqa: D102 -- as above
    @property
    def pieces(self) -> list[str]: ...  # noqa: D102 -- as above


def newest_commit(binaries: Path, log: Log) -> dt.datetime:
    """The time of the newest commit; without one in the log, when the base was finished."""
    for piece in reversed(log.pieces[-PIECES:]):
        times = list(_commits(binaries, log.shelf.log / f"{piece}.gz"))
        if times:
            return max(*times, log.whole.end)
    return log.whole.end


def _commits(binaries: Path, packed: Path) -> Iterator[dt.datetime]:
    with tempfile.TemporaryDirectory() as folder:
        piece = Path(folder) / packed.stem
        with gzip.open(packed) as source, piece.open("wb") as target:
            shutil.copyfileobj(source, target)
        command = (str(binaries / "pg_waldump"), "--rmgr=Transaction", str(piece))
        # it ends with a complaint where the written part of the piece ends
        said = subprocess.run(
            command,
            env={"TZ": "UTC", "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=DUMP_SECONDS,
            check=False,
        )
    for found in COMMIT.finditer(said.stdout):
        yield dt.datetime.fromisoformat(found[1]).replace(tzinfo=dt.UTC)
