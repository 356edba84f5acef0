"""The only place that reads the time or makes an id; rooms behind the doors get both as arguments."""

from __future__ import annotations

import datetime as dt
import uuid

# Organisations of an imported directory keep their id over every import (directory.md section 1).
NAMESPACE = uuid.UUID("6f6a1c56-6d0e-4d53-9c9b-5d1f6a2d7b10")


def now() -> dt.datetime:
    """The current moment, in UTC with offset."""
    return dt.datetime.now(dt.UTC)


def new_id() -> uuid.UUID:
    """A random UUIDv4; v7 would tell the time of intake (access-and-privacy.md section 4)."""
    return uuid.uuid4()


def id_of_key(kind: str, key: str) -> uuid.UUID:
    """The UUIDv5 of an imported object: `kind` such as "organisation", `key` such as "lt-police"."""
    return uuid.uuid5(NAMESPACE, f"{kind}:{key}")
