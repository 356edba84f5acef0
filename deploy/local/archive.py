"""What a backup folder holds: for each of the two stores whole copies (bases) and the log since, piece by piece."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deploy.local.faults import LocalFault
from deploy.local.postgres import CASES, KEYS

FORMAT = 1
NAMES = {CASES: "cases", KEYS: "keys"}
BASE, MANIFEST, COMPLETE, HALF = "base.tar.gz", "backup_manifest", "complete.json", ".half"
PIECE_BYTES = 16 * 2**20
PIECES_PER_LOG = 256
CHUNK = 2**20
PIECE = re.compile(r"[0-9A-F]{24}")


@dataclass(frozen=True)
class Whole:
    """What is written beside a base when it is whole; `network` is the identity of the cluster of cases."""

    format: int
    store: str
    network: str
    postgres: int
    began_at: str
    ended_at: str
    bytes: int
    sha256: str
    first: str
    last: str
    migrations: list[str]

    @property
    def end(self) -> dt.datetime:
        """When the copy was finished."""
        return dt.datetime.fromisoformat(self.ended_at)


@dataclass(frozen=True)
class Shelf:
    """The folder of one store."""

    store: str
    folder: Path

    @property
    def bases(self) -> Path:
        """Whole copies, one folder each, named by the time of their beginning."""
        return self.folder / "base"

    @property
    def log(self) -> Path:
        """The pieces of the log, packed."""
        return self.folder / "wal"

    def newest(self) -> Path:
        """The newest whole base. Raises LocalFault when there is none."""
        found = self.whole()
        if not found:
            half = " (only a half one, from a backup that was broken off)" if self.half() else ""
            message = f"There is no whole backup of the {NAMES[self.store]} in {self.folder}{half}."
            raise LocalFault(message)
        return found[-1]

    def whole(self) -> list[Path]:
        """Bases that were finished, oldest first."""
        return sorted(path.parent for path in self.bases.glob(f"*/{COMPLETE}") if path.parent.suffix != HALF)

    def half(self) -> list[Path]:
        """Bases that were not finished."""
        return sorted(path for path in self.bases.glob("*") if path not in self.whole())

    def pieces(self, timeline: str) -> list[str]:
        """Names of the pieces of a timeline, oldest first."""
        return sorted(
            path.stem for path in self.log.glob("*.gz") if PIECE.fullmatch(path.stem) and path.stem.startswith(timeline)
        )


def shelves(cases: Path, keys: Path | None) -> dict[str, Shelf]:
    """The two shelves of a backup: side by side, or the keys elsewhere."""
    return {CASES: Shelf(CASES, cases / NAMES[CASES]), KEYS: Shelf(KEYS, (keys or cases) / NAMES[KEYS])}


def write_whole(base: Path, whole: Whole) -> None:
    """Say that a base is whole; written last."""
    (base / COMPLETE).write_text(json.dumps(asdict(whole), indent=1), encoding="utf-8")


def read_whole(base: Path) -> Whole:
    """Read what a base says about itself. Raises LocalFault when it is of another version or damaged."""
    try:
        told: dict[str, Any] = json.loads((base / COMPLETE).read_text(encoding="utf-8"))
        if told["format"] != FORMAT:
            message = f"The backup {base} has the format {told['format']}; this version reads {FORMAT} only."
            raise LocalFault(message)
        return Whole(**told)
    except (OSError, ValueError, TypeError, KeyError) as error:
        message = f"The backup {base} is damaged: {COMPLETE} can not be read."
        raise LocalFault(message) from error


def range_of(base: Path) -> tuple[str, str]:
    """The first and the last piece of log that a base needs, by PostgreSQL's own list of its content."""
    (found,) = json.loads((base / MANIFEST).read_text(encoding="utf-8"))["WAL-Ranges"]
    return _piece_at(found["Timeline"], found["Start-LSN"]), _piece_at(found["Timeline"], found["End-LSN"])


def check_base(base: Path, whole: Whole) -> None:
    """Compare a base with what was written about it. Raises LocalFault when it was cut or changed."""
    path = base / BASE
    if not path.is_file() or path.stat().st_size != whole.bytes:
        message = f"The backup {base} is damaged: {BASE} is missing or cut."
        raise LocalFault(message)
    if digest(path) != whole.sha256:
        message = f"The backup {base} is damaged: {BASE} was changed."
        raise LocalFault(message)


def check_log(shelf: Shelf, whole: Whole) -> list[str]:
    """The pieces of log from a base on, all there and all whole. Raises LocalFault naming the first that is not."""
    there = [name for name in shelf.pieces(whole.first[:8]) if name >= whole.first]
    newest = max(there, default=whole.first)
    needed = []
    for name in _count(whole.first, max(newest, whole.last)):
        if name not in there or not _is_piece(shelf.log / f"{name}.gz"):
            what = "is damaged" if name in there else "is missing"
            message = f"The piece {name} of the log of the {NAMES[shelf.store]} {what} in {shelf.log}."
            raise LocalFault(message)
        needed.append(name)
    return needed


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    made = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            made.update(chunk)
    return made.hexdigest()


def _piece_at(timeline: int, place: str) -> str:
    high, _, low = place.partition("/")
    return _named(f"{timeline:08X}", ((int(high, 16) << 32) | int(low, 16)) // PIECE_BYTES)


def _count(first: str, last: str) -> Iterator[str]:
    for number in range(_number(first), _number(last) + 1):
        yield _named(first[:8], number)


def _number(name: str) -> int:
    return int(name[8:16], 16) * PIECES_PER_LOG + int(name[16:], 16)


def _named(timeline: str, number: int) -> str:
    return f"{timeline}{number // PIECES_PER_LOG:08X}{number % PIECES_PER_LOG:08X}"


def _is_piece(path: Path) -> bool:
    size = 0
    try:
        with gzip.open(path) as file:
            while chunk := file.read(CHUNK):
                size += len(chunk)
    except (OSError, EOFError, zlib.error):
        return False
    return size == PIECE_BYTES
