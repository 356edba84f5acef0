"""Row security in the catalogues of all service databases: a table that holds rows of an organisation is protected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from chassis.settings import SERVICES, Settings
from tests.support.databases import root_url

SHARED_COPY = "a copy of the public directory, the same for everybody"
CODES = "ids and codes of events on their way; read by the relay and the consumer for all organisations"
NO_RIGHT = "the process has no right on it: it is reached through functions that refuse others"
PUBLIC = "public facts of the directory"
# Tables that hold no row of an organisation, and why. A table that is neither protected nor here fails the test.
OPEN: dict[str, dict[str, str]] = {
    "*": {
        "event_sequence": CODES,
        "outbox": CODES,
        "inbox": CODES,
        "inbox_gate": CODES,
        "inbox_waiting": CODES,
        "request": "keyed hashes and the id of what a request made; its scope names one client",
        "audit": NO_RIGHT,
        "audit_link": NO_RIGHT,
        "audit_pending": NO_RIGHT,
        "audit_top": NO_RIGHT,
        "migration": "which files were applied",
    },
    "directory": dict.fromkeys(
        (
            "organisation", "service", "service_partner", "membership", "initiative", "initiative_organisation",
            "indicator", "licence", "network_fact", "import_source", "metadata", "location", "service_location",
            "facilitator", "change_head", "public_record", "directory_change", "staged_row", "service_search",
            "service_area", "peer_group", "proposal", "proposal_step", "confirmation",
            "confirmation_asked", "watch",
        ),
        PUBLIC,
    ),
    "referrals": {
        "partner": SHARED_COPY, "partner_service": SHARED_COPY, "leg": NO_RIGHT, "person_index_due": NO_RIGHT,
    },
    "groups": {"partner": SHARED_COPY, "contact_mailed": NO_RIGHT},
    "access": {
        "partner": SHARED_COPY,
        **dict.fromkeys(("assertion_used", "attempt", "throttle"), "hashes and counts, asked before anybody is known"),
        "revocation": "ids of subjects whose tokens count no more; every process asks for them",
    },
    "subscriptions": {"partner": SHARED_COPY, "stream": "how far each stream has come; written for all by one writer"},
}  # fmt: skip

TABLES = """
SELECT c.relname AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
       ARRAY(SELECT a.attname::text FROM pg_attribute AS a
              WHERE a.attrelid = c.oid AND NOT a.attisdropped AND a.attname = 'org_id') AS owners,
       ARRAY(SELECT p.polname::text FROM pg_policy AS p WHERE p.polrelid = c.oid ORDER BY 1) AS policies,
       (SELECT pg_get_expr(p.polqual, p.polrelid) FROM pg_policy AS p
         WHERE p.polrelid = c.oid AND p.polname = 'own_rows') AS shown,
       has_table_privilege(%(app)s, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE') AS reached,
       pg_get_userbyid(c.relowner) AS owner
  FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.relname
"""
ROLE = "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = %s"
MEMBER = "SELECT pg_has_role(%s, %s, 'MEMBER')"


def app_role(settings: Settings, service: str) -> str:
    with psycopg.connect(settings.database_url(service)) as connection:
        return str(connection.execute("SELECT current_user").fetchone()[0])  # type: ignore[index]


@pytest.fixture
def tables(service_database: Callable[..., Settings]) -> Callable[[str], list[dict[str, Any]]]:
    def look(service: str) -> list[dict[str, Any]]:
        at = service_database(service)
        app = app_role(at, service)
        with psycopg.connect(root_url(at, service), row_factory=psycopg.rows.dict_row) as connection:
            assert connection.execute(ROLE, (app,)).fetchone() == {"rolsuper": False, "rolbypassrls": False}
            found = connection.execute(TABLES, {"app": app}).fetchall()
            for owner in {row["owner"] for row in found}:
                assert connection.execute(MEMBER, (app, owner)).fetchone() == {"pg_has_role": False}
        return found

    return look


def faults(row: dict[str, Any]) -> list[str]:
    """What a protected table lacks."""
    own = row["shown"] in {"(org_id = acting_org())", "((org_id IS NULL) OR (org_id = acting_org()))"}
    checks = {
        "row security is not enabled": row["enabled"],
        "row security is not forced": row["forced"],
        "there is no single owner column org_id": row["owners"] == ["org_id"],
        "there is no policy own_rows by the acting organisation": own,
    }
    return [fault for fault, holds in checks.items() if not holds]


@pytest.mark.parametrize("service", SERVICES)
def test_every_table_is_protected_or_said_to_hold_no_row_of_an_organisation(
    tables: Callable[[str], list[dict[str, Any]]], service: str
) -> None:
    named = {**OPEN["*"], **OPEN[service]}
    found = {row["name"]: row for row in tables(service)}
    wrong = {name: faults(row) for name, row in found.items() if name not in named and faults(row)}
    assert not wrong
    for name, why in named.items():
        assert name in found, f"{name} is gone; take it off the list"
        if why == NO_RIGHT:
            assert not found[name]["reached"], f"{name} can be reached by the process"


def test_a_table_without_protection_is_found(
    service_database: Callable[..., Settings], tables: Callable[[str], list[dict[str, Any]]]
) -> None:
    """The control: each of the four faults is seen."""
    bare = {"enabled": False, "forced": False, "owners": [], "shown": None}
    assert len(faults(bare)) == 4
    good = next(row for row in tables("groups") if row["name"] == "sign_up")
    assert faults(good) == []
    for name, value in bare.items():
        assert len(faults({**good, name: value})) == 1


def test_without_an_organisation_and_for_another_no_row_is_seen_or_written(
    service_database: Callable[..., Settings],
) -> None:
    """FORCE binds the owner too; the process's own role sees nothing until it acts for somebody."""
    at = service_database("referrals")
    add = """INSERT INTO case_member (org_id, referral_id, subject, kind, by_subject, at)
             VALUES (gen_random_uuid(), gen_random_uuid(), 'member:x', 'named', 'member:y', now())"""
    with psycopg.connect(at.database_url("referrals"), autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            connection.execute(add)
        for table in ("sender_record", "receiver_case", "history", "case_member", "outside_read"):
            assert connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT count(*) FROM leg")
