"""A small commit in the key store now and then, so that its archived log tells how far it reaches though it rests."""

from __future__ import annotations

import contextlib
import threading

import psycopg

from chassis.settings import Settings
from deploy.local.network import has_own_keystore
from deploy.local.postgres import KEYS, superuser_url

EVERY_SECONDS = 30.0


class Pulse:
    """Beats in a thread of its own: a store that hangs must not hold up the supervisor."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def start(self) -> None:
        """Begin, where the launcher has a key store of its own."""
        if has_own_keystore(self._settings):
            self._thread.start()

    def stop(self) -> None:
        """Beat once more, when the services have ended: then the keys reach at least as far as the cases."""
        if self._thread.is_alive():
            self._stop.set()
            beat(self._settings)

    def _run(self) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            beat(self._settings)


def beat(settings: Settings) -> None:
    """One commit; a store that does not answer is no fault here."""
    url = superuser_url(settings, store=KEYS)
    with contextlib.suppress(psycopg.Error), psycopg.connect(url, autocommit=True, connect_timeout=2) as connection:
        connection.execute("SELECT txid_current()")
