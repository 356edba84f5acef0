"""Keeps a process's copy of what access says of tokens: the keys, what is revoked, which organisations are not active.

Asked for over HTTP every two seconds, so that a revocation counts everywhere within five; while access is away the last
copy stays, and tokens live until they expire (docs/decisions/0014). It runs in a thread of its own, green where the
process is green.
"""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

import orjson
import urllib3
from joserfc.errors import JoseError

from chassis.identity import Standing, TokenVerifier, keys_of
from chassis.settings import Settings
from chassis.tracing import emit

PATH = "/access/standing"
EVERY_SECONDS = 2.0
SOONEST_SECONDS = 1.0
"""How soon an unknown key may lead to another question: whoever invents key ids must not make us ask without end."""

LARGEST = 4 << 20
TIMEOUT = urllib3.Timeout(connect=1.0, read=2.0)


class Follower:
    """Asks access again and again, and hands what it says to the verifier."""

    def __init__(self, settings: Settings, verifier: TokenVerifier) -> None:
        """Nothing is asked yet."""
        self._url = settings.url_of("access") + PATH
        self._verifier = verifier
        self._pool = urllib3.PoolManager(num_pools=1, maxsize=1, timeout=TIMEOUT, retries=False)
        self._asking = threading.Lock()
        self._asked = 0.0
        self._heard: float | None = None
        self._away = False

    def start(self) -> None:
        """Follow from now on, until the process ends."""
        self._verifier.ask_again = self.look_soon
        threading.Thread(target=self._follow, daemon=True, name="follow-access").start()

    def age(self) -> float:
        """Seconds since access was last heard; -1 before the first time."""
        return -1.0 if self._heard is None else time.monotonic() - self._heard

    def look_soon(self) -> None:
        """Look now, unless somebody is looking or has just looked."""
        if time.monotonic() - self._asked >= SOONEST_SECONDS:
            self.look()

    def look(self) -> None:
        """Ask once; what fails changes nothing."""
        if not self._asking.acquire(blocking=False):
            return
        try:
            self._asked = time.monotonic()
            self._verifier.adopt(self._fetched())
            self._heard = time.monotonic()
            self._note(away=False)
        except (urllib3.exceptions.HTTPError, JoseError, ValueError, KeyError, TypeError, AttributeError, OSError):
            self._note(away=True)
        finally:
            self._asking.release()

    def _follow(self) -> None:
        while True:
            self.look()
            time.sleep(EVERY_SECONDS)

    def _fetched(self) -> Standing:
        answer = self._pool.request("GET", self._url, preload_content=False, redirect=False)
        try:
            body = answer.read(LARGEST + 1)
            if answer.status != 200 or len(body) > LARGEST:  # noqa: PLR2004 - the status itself says what it is
                raise ValueError
        except BaseException:
            answer.close()
            raise
        answer.release_conn()
        return standing_of(orjson.loads(body))

    def _note(self, *, away: bool) -> None:
        if away != self._away:
            self._away = away
            emit({"level": "warning" if away else "info", "event": "access.away" if away else "access.heard"})


def standing_of(said: Any) -> Standing:
    """What access said, as values. Raises ValueError, KeyError, TypeError, AttributeError or JoseError when it is odd.

    No key at all is odd too: it would shut everybody out.
    """
    keys, revoked = keys_of(said["keys"]), said["revoked"]
    if not keys or any(type(moment) is not int for moment in revoked.values()):
        raise ValueError
    return Standing(keys=keys, revoked=revoked, inactive=frozenset(map(uuid.UUID, said["inactive"])))
