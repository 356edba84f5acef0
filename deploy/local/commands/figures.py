"""Figures of a running network, for `status` and `events lag`: outboxes, inboxes, queues, consumers."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import psycopg
import urllib3
from psycopg.rows import dict_row

from chassis import topology
from chassis.messages.recipients import SENDING
from chassis.settings import SERVICES, Settings
from deploy.local import broker, postgres, rabbit
from deploy.local.faults import LocalFault

DATABASE = """
SELECT (SELECT count(*) FROM outbox WHERE published_at IS NULL) AS outbox,
       (SELECT coalesce(round(extract(epoch FROM now() - min(occurred_at)))::int, 0)
          FROM outbox WHERE published_at IS NULL) AS oldest_seconds,
       (SELECT coalesce(json_object_agg(last_error, refused), '{}')
          FROM (SELECT last_error, count(*) AS refused FROM outbox
                 WHERE published_at IS NULL AND last_error IS NOT NULL GROUP BY last_error) AS r) AS refused,
       count(w.event_id) AS inbox_waiting,
       count(w.event_id) FILTER (WHERE g.blocked_by IS NULL) AS gaps,
       count(w.event_id) FILTER (WHERE g.blocked_by IS NOT NULL) AS blocked,
       coalesce(round(extract(epoch FROM now() - min(w.since) FILTER (WHERE g.blocked_by IS NULL)))::int, 0)
           AS gap_seconds,
       coalesce(round(extract(epoch FROM now() - min(w.since) FILTER (WHERE g.blocked_by IS NOT NULL)))::int, 0)
           AS blocked_seconds,
       (SELECT json_build_object('source', b.source, 'subject', b.subject)
          FROM inbox_waiting AS b JOIN inbox_gate AS bg USING (source, subject, audience)
         WHERE bg.blocked_by IS NOT NULL ORDER BY b.since LIMIT 1) AS blocked_first
  FROM inbox_waiting AS w LEFT JOIN inbox_gate AS g USING (source, subject, audience)
"""
MESSAGES = "SELECT state, count FROM messages_counted()"
ROWS = ("outbox", "oldest_seconds", "refused", "inbox_waiting", "gaps", "blocked", "gap_seconds", "blocked_seconds",
        "blocked_first")  # fmt: skip
CONSUMER = {"event_consumer_connected": "connected", "event_consumer_idle_seconds": "idle_seconds"}
PARTNER = "partner."
SECONDS = 2.0


def figures(settings: Settings) -> dict[str, Any]:
    """What can be measured now; a part that does not answer is named as such and never stops the rest."""
    found = queues(settings)
    services = {service: {**rows_of(settings, service), **depths_of(found, service)} for service in SERVICES}
    return {
        "database": "answers" if postgres.answers(settings) else "does not answer",
        "broker": "answers" if rabbit.answers(settings) else "does not answer",
        "services": services,
        "messages": {service: messages_of(settings, service) for service in SENDING},
        "mail": mail_of(settings),
    }


def messages_of(settings: Settings, service: str) -> dict[str, int] | None:
    """How many messages of a service stand in each state; None while its database does not answer."""
    try:
        with psycopg.connect(
            settings.database_url(service), connect_timeout=2, options="-c statement_timeout=5000"
        ) as connection:
            return {str(state): int(count) for state, count in connection.execute(MESSAGES).fetchall()}
    except psycopg.Error:
        return None


def mail_of(settings: Settings) -> str:
    """Where mail goes, for a sentence."""
    if settings.mail.server is not None:
        return f"by {settings.mail.server.host}"
    return f"into {settings.mail.folder}" if settings.mail.folder else "nowhere: set TUKIVERKKO_SMTP_URL"


def rows_of(settings: Settings, service: str) -> dict[str, Any]:
    """What waits in a service's database; None everywhere while it does not answer."""
    row = None
    try:
        with psycopg.connect(
            settings.database_url(service), connect_timeout=2, row_factory=dict_row, options="-c statement_timeout=5000"
        ) as connection:
            row = connection.execute(DATABASE).fetchone()
    except psycopg.Error:
        row = None
    return dict(row) if row else dict.fromkeys(ROWS)


def queues(settings: Settings) -> dict[str, dict[str, Any]] | None:
    """Every queue by its name, from the management interface; None while it does not answer."""
    path = f"queues/{quote(settings.vhost, safe='')}?columns=name,messages,arguments"
    try:
        found = broker.manage(settings, "GET", path, None)
    except (LocalFault, urllib3.exceptions.HTTPError):
        return None
    return {queue["name"]: queue for queue in found} if isinstance(found, list) else None


def depths_of(found: dict[str, dict[str, Any]] | None, service: str) -> dict[str, int | None]:
    """How many messages wait for a service, in the pauses of its ladder, and parked."""
    if found is None:
        return dict.fromkeys(("queue", "retry", "parked"))
    retries = [name for name in found if name.startswith(f"{topology.queue_name(service)}.retry.")]
    return {
        "queue": _messages(found, topology.queue_name(service)),
        "retry": sum(_messages(found, name) or 0 for name in retries) if retries else None,
        "parked": _messages(found, topology.parked_name(service)),
    }


def partners_of(found: dict[str, dict[str, Any]] | None) -> dict[str, dict[str, Any]]:
    """What waits in the queue of each partner system, and where it is cut."""
    return {
        name: {"waiting": _messages(found, name), "limit": queue.get("arguments", {}).get("x-max-length")}
        for name, queue in sorted((found or {}).items())
        if name.startswith(PARTNER)
    }


def consumer_of(settings: Settings, service: str) -> dict[str, float | None]:
    """Whether a service reads events, and how long ago it last went round, from its own /metrics."""
    said: dict[str, float | None] = dict.fromkeys(CONSUMER.values())
    try:
        answer = urllib3.request("GET", settings.url_of(service) + "/metrics", retries=False, timeout=SECONDS)
    except urllib3.exceptions.HTTPError:
        return said
    for line in answer.data.decode("utf-8", "replace").splitlines():
        name, _, value = line.partition(" ")
        if name in CONSUMER:
            said[CONSUMER[name]] = float(value)
    return said


def _messages(found: dict[str, dict[str, Any]] | None, name: str) -> int | None:
    queue = (found or {}).get(name)
    return int(queue.get("messages", 0)) if queue is not None else None
