"""The only place that reads the time or makes an id; rooms behind the doors get both as arguments."""

from __future__ import annotations

import datetime as dt
import uuid


def now() -> dt.datetime:
    """The current moment, in UTC with offset."""
    return dt.datetime.now(dt.UTC)


def new_id() -> uuid.UUID:
    """A random UUIDv4; v7 would tell the time of intake (access-and-privacy.md section 4)."""
    return uuid.uuid4()
