"""Figures of a running network for `status`: database, broker, outbox lag, parked events."""

from __future__ import annotations

from typing import Any

import psycopg
import urllib3

from chassis.settings import SERVICES, Settings
from deploy.local import broker, postgres, rabbit
from deploy.local.faults import LocalFault

OUTBOX = """
SELECT count(*), coalesce(round(extract(epoch FROM now() - min(occurred_at)))::int, 0),
       (SELECT count(*) FROM inbox_waiting)
FROM outbox WHERE published_at IS NULL
"""


def figures(settings: Settings) -> dict[str, Any]:
    """What can be measured now; a part that does not answer is named as such and never stops the rest."""
    parked = _parked(settings)
    return {
        "database": "answers" if postgres.answers(settings) else "does not answer",
        "broker": "answers" if rabbit.answers(settings) else "does not answer",
        "services": {service: _service(settings, service, parked.get(service)) for service in SERVICES},
    }


def _service(settings: Settings, service: str, parked: int | None) -> dict[str, Any]:
    row: tuple[Any, ...] | None = (None, None, None)
    try:
        with psycopg.connect(settings.database_url(service), connect_timeout=2) as connection:
            row = connection.execute(OUTBOX).fetchone()
    except psycopg.Error:
        row = None
    outbox, oldest, waiting = row or (None, None, None)
    return {"outbox": outbox, "oldest_seconds": oldest, "inbox_waiting": waiting, "parked": parked}


def _parked(settings: Settings) -> dict[str, int]:
    counts: dict[str, int] = {}
    for service in SERVICES:
        try:
            found = broker.manage(settings, "GET", f"queues/{settings.vhost}/{service}.events.parked", None)
        except (LocalFault, urllib3.exceptions.HTTPError):
            continue
        counts[service] = int(found.get("messages", 0)) if isinstance(found, dict) else 0
    return counts
