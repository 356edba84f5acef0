"""Clients that keep working while somebody breaks things: each request has a key and is repeated until it is answered.

What was acknowledged is written to a history file, one JSON line each with the moments of sending and of the answer;
the checker reads that file. Faults are noted in the same file.
"""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Self

import urllib3

from chassis.settings import Settings
from services.referrals.rules.feedback import NONE, SCOPES
from services.referrals.rules.lifecycle import RECEIVER, SENDER
from services.referrals.schemas.transitions import EXAMPLES
from tests.support import readme
from tests.support.client import CENTRE, POLICE, THIRD, Answer, Client, client, token

AGAIN_SECONDS = 0.1
TOKEN_SECONDS = 240.0
CHANGE_SECONDS = 0.5
THIRD_SERVICE = "lt-kapvc-consultations"
PATIENCE_SECONDS = 60.0
IN_PROGRESS = "idempotency_key.in_progress"
MOST_STEPS = 8
NOT_WALKED = {"revoke_consent", "close_concern"}
"""Of another kind or basis than the referrals of a campaign."""
SURE_OF_SENDER = {"provide_info", "resume", "revive", "mark_error"}
"""What no step that the sender may not know of can shut; withdrawing could meet an end that is hidden from him, and so
could a correction of one who hears nothing at all."""


OPEN_ALL_ALONG = {"forward": {"service": "ee-violence-line"}}
"""A service that no worker of a campaign opens and closes."""


class Institution:
    """One organisation's client, with a fresh token in time, that asks until there is a definite answer."""

    def __init__(self, settings: Settings, org_key: str, clients: Clients) -> None:
        self._settings, self._org_key, self._clients = settings, org_key, clients
        self._client: Client = client(settings, org_key)
        self._fresh_until = time.monotonic() + TOKEN_SECONDS

    def surely(self, method: str, path: str, body: object, version: str | None = None) -> tuple[Answer, dict[str, Any]]:
        """Repeat with one key until there is a definite answer; returns it with what the history says of it."""
        key, sent = str(uuid.uuid4()), time.monotonic()
        while True:
            answer = self._once(method, path, body, key, version)
            if answer is not None:
                return answer, {"key": key, "sent": round(sent, 4), "at": round(time.monotonic(), 4)}
            if time.monotonic() > sent + PATIENCE_SECONDS:
                message = f"{method} {path}: no answer in {PATIENCE_SECONDS} s"
                raise TimeoutError(message)
            self._clients.repeated += 1
            time.sleep(AGAIN_SECONDS)

    def again(self, path: str, body: object, key: str) -> None:
        """Send an answered request once more, as somebody does who has not heard the answer."""
        self._once("POST", path, body, key, None)

    def _once(self, method: str, path: str, body: object, key: str, version: str | None) -> Answer | None:
        if time.monotonic() > self._fresh_until:
            self._client.token = token(self._settings, self._org_key)
            self._fresh_until = time.monotonic() + TOKEN_SECONDS
        try:
            answer = self._client.ask(method, path, body, key=key, version=version)
        except urllib3.exceptions.HTTPError:
            return None
        if answer.status in {200, 201}:
            return answer
        if answer.status >= 500 or answer.body["code"] == IN_PROGRESS:
            return None
        message = f"{path}: {answer.status} {answer.raw!r}"
        raise AssertionError(message)


class Clients:
    """So many clients at once: a worker of the police posts, one of the centre answers, over and over.

    With `directory` one more worker opens and closes a service of a third organisation; with `repeats` every request
    to create a referral is sent a second time; while `behind` says so, nobody begins anything new.
    """

    def __init__(
        self,
        settings: Settings,
        history: Path,
        *,
        workers: int,
        seed: int,
        directory: bool = False,
        repeats: bool = False,
        behind: Callable[[], bool] = lambda: False,
    ) -> None:
        self.settings = settings
        self.history = history
        self.acknowledged = 0
        self.changed = 0
        self.repeated = 0
        self._behind = behind
        self.troubles: list[str] = []
        self._repeats = repeats
        self._lock = threading.Lock()
        self._stop = threading.Event()
        jobs = [partial(self._refer, random.Random(seed + number)) for number in range(workers)]
        jobs += [self._change] if directory else []
        self._threads = [threading.Thread(target=self._work, args=(job,)) for job in jobs]

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

    def note(self, line: dict[str, Any]) -> None:
        """Write a line into the history, for instance of a fault."""
        with self._lock:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()

    def _work(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as error:  # noqa: BLE001 - the test fails by it
            self.troubles.append(repr(error))

    def _refer(self, chance: random.Random) -> None:
        police, centre = (Institution(self.settings, key, self) for key in (POLICE, CENTRE))
        body = readme.referral()
        while not self._stop.is_set():
            if self._behind():
                self._stop.wait(AGAIN_SECONDS)
                continue
            scope = chance.choice(SCOPES)
            made, note = police.surely("POST", "/referrals", {**body, "feedback_scope": scope})
            referral = self._step("create", made, {**note, "scope": scope})
            if self._repeats:
                police.again("/referrals", {**body, "feedback_scope": scope}, note["key"])
            for _ in range(chance.randrange(MOST_STEPS)):
                if not self._move(chance, referral, {SENDER: police, RECEIVER: centre}):
                    break

    def _move(self, chance: random.Random, referral: str, parties: dict[str, Institution]) -> bool:
        """One step of those that a party is offered; False where it is offered none."""
        side = chance.choice((SENDER, RECEIVER, RECEIVER, RECEIVER))
        by = parties[side]
        shown, _ = by.surely("GET", f"/referrals/{referral}", None)
        offered = [each for each in shown.body["allowed_actions"] if each not in NOT_WALKED]
        # a sender may be offered what a step that he may not know of has shut: then the answer is a refusal
        sure = SURE_OF_SENDER - ({"mark_error"} if shown.body.get("feedback_scope") == NONE else set())
        certain = [each for each in offered if side == RECEIVER or each in sure]
        if not certain:
            return False
        action = chance.choice(certain)
        path = f"/referrals/{referral}/{action}"
        answer, note = by.surely("POST", path, {**EXAMPLES[action], **OPEN_ALL_ALONG.get(action, {})}, shown.version)
        self._step(action, answer, {**note, "side": side, "referral": referral})
        return True

    def _step(self, action: str, answer: Answer, note: dict[str, Any]) -> str:
        shown = answer.body
        self.note({"action": action, "referral": shown["id"], "state": shown["state"], **note})
        with self._lock:
            self.acknowledged += 1
        return str(shown["id"])

    def _change(self) -> None:
        third, path = Institution(self.settings, THIRD, self), f"/directory/services/{THIRD_SERVICE}"
        shown, _ = third.surely("GET", path, None)
        accepting = "open"
        while not self._stop.wait(CHANGE_SECONDS):
            accepting = "closed" if accepting == "open" else "open"
            shown, note = third.surely("PUT", f"{path}/accepting", {"accepting": accepting}, shown.version)
            self.changed += 1
            self.note({"action": "accepting", "service": shown.body["id"], "accepting": accepting, **note})
