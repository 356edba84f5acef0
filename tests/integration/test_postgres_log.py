"""The log of the private PostgreSQL: what concerns its running stands there, no value of a statement ever does."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import psycopg
import pytest

from chassis.settings import Settings
from tests.support.client import eventually
from tests.support.databases import owner_url
from tests.support.instances import Instances

FAILING = (
    "SELECT %(text)s::uuid",
    "SELECT %(text)s::text::int",
    "INSERT INTO partner (org_id, key, type, country, status, version) VALUES (%(id)s, %(text)s, NULL, 'LT', 'x', 1)",
    "INSERT INTO leg (id, state) VALUES (%(id)s, %(text)s)",
    "DO $$ BEGIN RAISE EXCEPTION 'about %%', current_setting('test.who'); END $$",
    "DO $$ BEGIN RAISE WARNING 'about %%', current_setting('test.who'); END $$",
)


def test_no_value_of_a_statement_is_logged(service_database: Callable[..., Settings], instances: Instances) -> None:
    settings, log = service_database("referrals"), instances.home / "logs" / "postgres.log"
    text, nobody = f"kn{uuid.uuid4().hex}", f"nobody_{uuid.uuid4().hex}"
    with psycopg.connect(owner_url(settings, "referrals"), autocommit=True) as connection:
        connection.execute("SELECT set_config('test.who', %s, false)", (text,))
        for statement in FAILING:
            try:
                connection.execute(statement.encode(), {"text": text, "id": uuid.uuid4()})
            except psycopg.Error:
                continue
            assert "WARNING" in statement
        with pytest.raises(psycopg.errors.SyntaxError):
            connection.execute(f"SELECT {text} FROM WHERE".encode())
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(owner_url(settings, "referrals").replace("referrals_owner:", f"{nobody}:"))
    eventually(lambda: nobody in log.read_text())  # it is this log, and it has come so far
    assert text not in log.read_text()
