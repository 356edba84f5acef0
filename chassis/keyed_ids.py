"""Ids that follow from a key: the same key is the same id in every import and every service; pure, so rules may use it.

RFC 9562 section 5.5 (UUIDv5); directory.md section 1.
"""

from __future__ import annotations

import uuid

# Organisations of an imported directory keep their id over every import.
NAMESPACE = uuid.UUID("6f6a1c56-6d0e-4d53-9c9b-5d1f6a2d7b10")


def id_of_key(kind: str, key: str) -> uuid.UUID:
    """The UUIDv5 of an imported object: `kind` such as "organisation", `key` such as "lt-police"."""
    return uuid.uuid5(NAMESPACE, f"{kind}:{key}")
