"""What a running process is told to do wrong: a small file, read again whenever it changed.

The test writes it with `give`; processes ask `wanted()` at each planted place, which costs one stat.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

PLACE = "PLANTING_CONTROL"
_known: tuple[tuple[int, int], dict[str, Any]] = ((0, 0), {})


def give(path: Path, number: int, **orders: Any) -> None:
    """Tell all processes from now on: failpoint, defect, and faults by name; nothing means that all is sound."""
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps({"number": number, **orders}), encoding="ascii")
    temporary.rename(path)


def wanted(name: str) -> Any:
    """The present order of that name; None when there is none."""
    global _known  # noqa: PLW0603 - one process, one file
    path = os.environ[PLACE]
    try:
        found = os.stat(path)  # noqa: PTH116 - asked thousands of times a second
        changed = found.st_mtime_ns, found.st_ino  # the clock of files is coarse: two orders may have one time
        if changed != _known[0]:
            _known = changed, json.loads(Path(path).read_text(encoding="ascii"))
    except OSError:
        return None
    return _known[1].get(name)


def reached(failpoint: str) -> None:
    """Die here, as by kill -9, if this failpoint is the one ordered and no other process was first.

    An order with `who` is meant for that service alone.
    """
    if wanted("failpoint") != failpoint or wanted("who") not in {None, sys.argv[-1]}:
        return
    mark = taken(Path(os.environ[PLACE]), _known[1]["number"])
    own = mark.with_name(f"{mark.name}.{os.getpid()}")
    own.write_text(json.dumps({"who": sys.argv[-1], "pid": os.getpid(), "at": time.monotonic()}), encoding="ascii")
    try:
        mark.hardlink_to(own)  # whole at once: whoever sees the mark can read it
    except FileExistsError:
        return
    finally:
        own.unlink()
    os.kill(os.getpid(), signal.SIGKILL)


def taken(path: Path, number: int) -> Path:
    """The file in which the process that reached the failpoint says who it was."""
    return path.with_name(f"{path.name}.taken.{number}")
