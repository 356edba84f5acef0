"""Free bases of forty ports below 32768, reserved so that parallel workers never take the same."""

from __future__ import annotations

import fcntl
import os
import random
import tempfile
from pathlib import Path
from typing import IO

from deploy.local.ports import OFFSETS, is_free

LOWEST, HIGHEST, STEP = 24_000, 31_960, 40
_reserved: list[IO[bytes]] = []  # held open: the kernel frees the reservation when this process ends


def free_base() -> int:
    """Reserve a base all of whose ports are free now."""
    folder = Path(tempfile.gettempdir()) / f"tukiverkko-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    bases = list(range(LOWEST, HIGHEST, STEP))
    random.SystemRandom().shuffle(bases)
    for base in bases:
        file = (folder / str(base)).open("wb")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            continue
        if all(is_free(base + offset) for offset in OFFSETS.values()):
            _reserved.append(file)
            return base
        file.close()
    message = f"No free port base between {LOWEST} and {HIGHEST}."
    raise RuntimeError(message)
