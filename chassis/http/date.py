"""The Date header, made once per second."""

from __future__ import annotations

import time
from email.utils import formatdate

_moment: tuple[int, str] = (0, "")


def date() -> str:
    """The current second in the words of HTTP."""
    global _moment  # noqa: PLW0603 - one text per second and process
    now = int(time.time())
    if _moment[0] != now:
        _moment = (now, formatdate(now, usegmt=True))
    return _moment[1]
