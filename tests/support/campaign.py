"""Clients that keep working while somebody breaks things: each request has a key and is repeated until it is answered.

What was acknowledged is written to a history file, one JSON line each; the checker reads that file.
"""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from pathlib import Path
from typing import Any, Self

import urllib3

from chassis.settings import Settings
from tests.support import readme
from tests.support.client import CENTRE, POLICE, Answer, Client, client

AGAIN_SECONDS = 0.1
PATIENCE_SECONDS = 60.0
IN_PROGRESS = "idempotency_key.in_progress"
ENDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("accept", {"responsible": "Intake team", "next_step_on": "2027-01-11"}),
    ("decline", {"reason": "no_capacity"}),
)


class Clients:
    """So many clients at once: a worker of the police posts, one of the centre answers, over and over."""

    def __init__(self, settings: Settings, history: Path, *, workers: int, seed: int) -> None:
        self.settings = settings
        self.history = history
        self.acknowledged = 0
        self.repeated = 0
        self.troubles: list[str] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(random.Random(seed + number),)) for number in range(workers)
        ]

    def __enter__(self) -> Self:
        self._file = self.history.open("a", encoding="utf-8")
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_fault: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._file.close()

    def _work(self, chance: random.Random) -> None:
        police, centre = client(self.settings, POLICE), client(self.settings, CENTRE)
        try:
            while not self._stop.is_set():
                made = self._surely(police, "create", "/referrals", readme.referral())
                referral = made.body["id"]
                if chance.random() < 0.25:
                    continue
                taken = self._surely(centre, "acknowledge", f"/referrals/{referral}/acknowledge", {}, '"1"')
                action, body = chance.choice(ENDS)
                self._surely(centre, action, f"/referrals/{referral}/{action}", body, taken.version)
        except Exception as error:  # noqa: BLE001 - the test fails by it
            self.troubles.append(repr(error))

    def _surely(self, by: Client, action: str, path: str, body: object, version: str | None = None) -> Answer:
        """Repeat with one key until there is a definite answer, and write it down."""
        key, deadline = str(uuid.uuid4()), time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = self._once(by, path, body, key, version)
            if answer is not None:
                self._note({"action": action, "key": key, "referral": answer.body["id"], "state": answer.body["state"]})
                return answer
            if time.monotonic() > deadline:
                message = f"{action}: no answer in {PATIENCE_SECONDS} s"
                raise TimeoutError(message)
            self.repeated += 1
            time.sleep(AGAIN_SECONDS)

    def _once(self, by: Client, path: str, body: object, key: str, version: str | None) -> Answer | None:
        try:
            answer = by.post(path, body, key=key, version=version)
        except urllib3.exceptions.HTTPError:
            return None
        if answer.status in {200, 201}:
            return answer
        if answer.status >= 500 or answer.body["code"] == IN_PROGRESS:
            return None
        message = f"{path}: {answer.status} {answer.raw!r}"
        raise AssertionError(message)

    def _note(self, line: dict[str, str]) -> None:
        with self._lock:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()
            self.acknowledged += 1
