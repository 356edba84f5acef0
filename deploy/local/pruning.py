"""Removes what is too old from a backup; for the keys that is the promise that an erasure reaches it in seven days."""

from __future__ import annotations

import datetime as dt
import shutil

from deploy.local import archive
from deploy.local.archive import COMPLETE, Shelf


def prune(shelf: Shelf, before: dt.datetime) -> None:
    """Remove bases that were made before a time, but never the newest, and the log that no base needs."""
    for base in shelf.whole()[:-1]:
        if archive.read_whole(base).end < before:
            (base / COMPLETE).unlink()  # first, so that a removal that is broken off leaves no whole backup
            shutil.rmtree(base, ignore_errors=True)
    first = archive.read_whole(shelf.whole()[0]).first
    for path in shelf.log.glob("*.gz"):
        if archive.PIECE.match(path.stem) and path.stem[8:24] < first[8:]:
            path.unlink()
