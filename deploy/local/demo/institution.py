"""An institution as the demo plays it: asks over HTTP through the gateway with a token of its own."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

import orjson
import urllib3

from chassis.settings import Settings
from deploy.local.faults import LocalFault

_pool = urllib3.PoolManager(retries=False, timeout=10)
FIRST_FAULT = 400


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the loaded body, the version (ETag) and how long it took."""

    body: dict[str, Any]
    version: str
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Institution:
    """One organisation of the demo; `token` is None for a man without an account."""

    settings: Settings
    token: str | None = None

    def ask(self, method: str, path: str, body: object = None, *, version: str | None = None) -> Answer:
        """One request with a key of its own. Raises LocalFault with the problem's sentence when it is refused."""
        headers = {"Idempotency-Key": str(uuid.uuid4()), "Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if version:
            headers["If-Match"] = version
        payload = None if body is None else orjson.dumps(body)
        url = self.settings.url_of("gateway") + path
        began = time.perf_counter()
        try:
            answer = _pool.request(method, url, body=payload, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            message = f"{method} {path}: the gateway does not answer; `tukiverkko status` shows what runs."
            raise LocalFault(message) from error
        took = (time.perf_counter() - began) * 1000
        loaded = orjson.loads(answer.data)
        if answer.status >= FIRST_FAULT:
            faults = "; ".join(f"{fault['pointer']}: {fault['detail']}" for fault in loaded.get("errors", []))
            message = f"{method} {path}: {answer.status} {loaded.get('detail')} {faults}".strip()
            raise LocalFault(message)
        return Answer(loaded, answer.headers.get("ETag", ""), took)
