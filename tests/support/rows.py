"""Looks into the databases of a running network as the superuser: what is really stored."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql

from chassis.settings import Settings
from tests.support.databases import root_url


def rows(settings: Settings, service: str, query: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with psycopg.connect(root_url(settings, service), autocommit=True) as connection:
        return connection.execute(query.encode(), parameters).fetchall()


def counts(settings: Settings, service: str) -> dict[str, int]:
    """How many rows each table has; in outbox what was published counts as well, so nothing moves by itself."""
    with psycopg.connect(root_url(settings, service), autocommit=True) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        found = {}
        for (name,) in names:
            count = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))).fetchone()
            found[name] = count[0] if count else 0
        return found


@contextlib.contextmanager
def nothing_stored(settings: Settings, service: str = "referrals") -> Iterator[None]:
    """Assert that the block left no row behind, but in the audit and in what events of others fill."""
    before = counts(settings, service)
    yield
    after = counts(settings, service)
    ignored = {"inbox", "inbox_gate", "inbox_waiting", "audit", "audit_pending", "audit_link", "audit_top"}
    ignored |= {"person_index", "person_index_due"}  # filled by the relay in its own time
    ignored |= {"throttle", "attempt"}  # where refused tries are counted
    changed = {name: (before.get(name), count) for name, count in after.items() if before.get(name) != count}
    assert not {name: both for name, both in changed.items() if name not in ignored}, changed
