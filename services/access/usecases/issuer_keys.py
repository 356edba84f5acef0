"""The public keys of trusted issuers, fetched over HTTPS, kept for a while, and never asked for without end."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import orjson
import urllib3

from services.access.rules import issuers as rules

FRESH_SECONDS = 600.0
USABLE_SECONDS = 3600.0
SOONEST_SECONDS = 30.0
LONGEST_SECONDS = 4.0
LARGEST = 256 * 1024
PIECE = 16 * 1024
TIMEOUT = urllib3.Timeout(connect=2.0, read=2.0)


@dataclass(slots=True)
class Kept:
    """The keys of one address: by their id, when they came, and when they were last asked for."""

    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    came: float | None = None
    asked: float | None = None


class IssuerKeys:
    """One process's copy of the key sets of all trusted issuers."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._kept: dict[str, Kept] = {}
        self._pool = urllib3.PoolManager(num_pools=8, maxsize=2, timeout=TIMEOUT, retries=False)

    def key_of(self, uri: str, kid: str) -> dict[str, Any] | None:
        """The key with this id; an id that is not known asks the issuer again, at most every 30 seconds."""
        kept, now = self._kept.setdefault(uri, Kept()), time.monotonic()
        stale = kept.came is None or now - kept.came > FRESH_SECONDS
        may_ask = kept.asked is None or now - kept.asked >= SOONEST_SECONDS
        if (stale or kid not in kept.keys) and may_ask:
            kept.asked = now
            self._ask(uri, kept)
        if kept.came is None or now - kept.came > USABLE_SECONDS:
            return None
        return kept.keys.get(kid)

    def _ask(self, uri: str, kept: Kept) -> None:
        try:
            keys = rules.keys_of(orjson.loads(self._fetched(uri)))
        except (urllib3.exceptions.HTTPError, ValueError, OSError):
            return  # the last copy stays
        kept.keys, kept.came = keys, time.monotonic()

    def _fetched(self, uri: str) -> bytes:
        until = time.monotonic() + LONGEST_SECONDS
        answer = self._pool.request("GET", uri, preload_content=False, redirect=False, decode_content=False)
        try:
            if answer.status != 200:  # noqa: PLR2004 - the status itself says what it is
                raise ValueError
            body = bytearray()
            for piece in answer.stream(PIECE):
                body += piece
                if len(body) > LARGEST or time.monotonic() > until:
                    raise ValueError
            return bytes(body)
        finally:
            answer.close()


KEYS = IssuerKeys()
"""The copy of this process."""
