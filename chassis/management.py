"""The broker's management interface over HTTP: users, rights, queues and bindings, as its administrator.

Used by commands that make or take rights (grants); no request and no event ever waits for it. Each call is one request
with a time limit and no retry, and every PUT may be repeated.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import urllib3

from chassis import addresses
from chassis.errors import Unavailable
from chassis.settings import Settings

ADMINISTRATOR = "admin"
SECONDS = 10.0
ABSENT = 404
REFUSED_FROM = 300
JSON = {"Content-Type": "application/json"}


class BrokerRefused(Exception):
    """The broker answered no; the message holds method, path and status, never a body that may hold a password."""


class Management:
    """One broker and one of its virtual hosts."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is asked yet."""
        self.vhost = settings.vhost
        self._base = f"{settings.management_url}/api/"
        self._pool = addresses.pool(settings.management_url, settings.amqp_ca, num_pools=1, maxsize=2)
        login = urllib3.make_headers(basic_auth=f"{ADMINISTRATOR}:{settings.secret('amqp_admin')}")
        self._headers = {**login, **JSON}

    def get(self, *path: str) -> Any:
        """Read; None where there is nothing. Raises BrokerRefused and Unavailable."""
        return self._ask("GET", path, None)

    def put(self, *path: str, body: object) -> None:
        """Make or replace. Raises BrokerRefused and Unavailable."""
        self._ask("PUT", path, body)

    def post(self, *path: str, body: object) -> None:
        """Add. Raises BrokerRefused and Unavailable."""
        self._ask("POST", path, body)

    def delete(self, *path: str) -> None:
        """Remove; what is not there is no fault. Raises BrokerRefused and Unavailable."""
        self._ask("DELETE", path, None)

    def _ask(self, method: str, path: tuple[str, ...], body: object) -> Any:
        place = "/".join(quote(part, safe="") for part in path)
        try:
            answer = self._pool.request(
                method, self._base + place, json=body, headers=self._headers, timeout=SECONDS, retries=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise Unavailable("broker.unavailable", "The broker's management interface does not answer.") from error
        if answer.status == ABSENT and method in {"GET", "DELETE"}:
            return None
        if answer.status >= REFUSED_FROM:
            message = f"{method} {place}: {answer.status}"
            raise BrokerRefused(message)
        return answer.json() if method == "GET" else None
