"""Migrations: once, in order, checked; a second run does nothing, a changed file is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest

from chassis import migrate
from chassis.settings import Settings
from tests.support.databases import owner_url


def test_a_migrated_database_has_nothing_pending(service_database: Callable[..., Settings]) -> None:
    at = service_database("referrals")
    assert migrate._apply(owner_url(at, "referrals"), list(migrate.steps_of("referrals")), dry_run=True) == []


def test_a_new_file_is_told_by_a_dry_run_and_applied_once(service_database: Callable[..., Settings]) -> None:
    url = owner_url(service_database("referrals"), "referrals")
    new = migrate.Step(
        "referrals",
        "d",
        "public",
        "referrals/9999_new.sql",
        "CREATE TABLE novelty (id int); GRANT SELECT ON novelty TO {app}",
    )
    assert migrate._apply(url, [new], dry_run=True) == ["d: referrals/9999_new.sql"]
    assert migrate._apply(url, [new], dry_run=False) == ["d: referrals/9999_new.sql"]
    assert migrate._apply(url, [new], dry_run=False) == []
    with pytest.raises(migrate.MigrationError, match="changed"):
        migrate._apply(url, [replace(new, text="SELECT 1")], dry_run=False)


def test_a_failing_file_leaves_nothing_half_done(service_database: Callable[..., Settings]) -> None:
    url = owner_url(service_database("referrals"), "referrals")
    bad = migrate.Step("referrals", "d", "public", "referrals/9999_bad.sql", "CREATE TABLE half (id int); SELECT 1/0")
    with pytest.raises(migrate.MigrationError, match="9999_bad"):
        migrate._apply(url, [bad], dry_run=False)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT to_regclass('half')").fetchone() == (None,)
