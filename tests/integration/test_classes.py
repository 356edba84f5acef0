"""Every column of every table has a class, and what is about people stands sealed or hashed, or says why not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from chassis.classes import Tables, classes_of, is_hash, key_classes
from chassis.erasure import records_of
from chassis.settings import SERVICES, Settings
from deploy.local.postgres import superuser_url
from tests.support.databases import root_url

COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, NULL)
  FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
"""
PROTECTED = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relrowsecurity
"""
WITHOUT_ROW_SECURITY = {"audit", "request", "migration", "leg", "metadata", "revocation", "throttle", "contact_mailed"}
"""Facts about people outside row security, each reached by a function or a key alone, or public (directory).

Two are of access: ids and keyed hashes that are asked for before an organisation is known. The last one is of groups:
a keyed hash of one day, behind a function, that no process may read.
"""

NO_RECORD = {
    "referrals": {"leg", "audit", "request", "notification_address"},
    "groups": {"leader_assignment", "audit", "request", "keep_apart", "contact_mailed"},
}
"""Tables with facts about people that are no part of a record: workers, what is swept by itself, pairs of hashes.

A pair outlives a sign-up, or two men would meet because the record of one was erased. How often an address was
mailed is forgotten the next day.
"""


def faults(found: list[tuple[str, str, str]], classes: Tables) -> Iterator[str]:
    """What is wrong with a catalogue, in sentences that say what to do."""
    catalogue = {(table, column): kind for table, column, kind in found}
    declared = {(table, column) for table, columns in classes.items() for column in columns}
    for table, column in sorted(set(catalogue) - declared):
        yield f'{table}.{column} has no class: add "{column}": "…" under "{table}" in classes.json'
    for table, column in sorted(declared - set(catalogue)):
        yield f"{table}.{column} is in classes.json and in no table"
    for (table, column), kind in sorted(catalogue.items()):
        classed = classes.get(table, {}).get(column)
        if classed is None or not classed.is_about_people or classed.why:
            continue
        if kind != "bytea" or (classed.kind != "sealed" and not is_hash(column)):
            yield f"{table}.{column} is {classed.kind} and {kind}: seal it, hash it (…_mac), or say why behind a colon"


def catalogue(url: str, schema: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(COLUMNS, (schema,)).fetchall()


@pytest.mark.parametrize("service", SERVICES)
def test_every_column_has_its_class(service_database: Callable[..., Settings], service: str) -> None:
    at = service_database(service)
    wrong = list(faults(catalogue(root_url(at, service), "public"), classes_of(service)))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("service", SERVICES)
def test_every_column_of_the_key_database_has_its_class(settings: Settings, service: str) -> None:
    url = superuser_url(settings, settings.keys_url(service).rpartition("/")[2])
    wrong = list(faults(catalogue(url, service), key_classes()))
    assert not wrong, "\n".join(wrong)


def test_what_is_forgotten_or_stands_in_clear_is_named(service_database: Callable[..., Settings]) -> None:
    """The control: an unclassified column, a name in clear, and a class of nothing."""
    at = service_database("referrals")
    found = catalogue(root_url(at, "referrals"), "public")
    classes = {table: dict(columns) for table, columns in classes_of("referrals").items()}
    classes["leg"]["state"] = classes["sender_record"]["personal"]
    classes["leg"]["gone"] = classes["leg"]["id"]
    del classes["history"]["at"]
    wrong = list(faults(found, classes))
    assert len(wrong) == 3
    assert [line.split()[0] for line in wrong] == ["history.at", "leg.gone", "leg.state"]


@pytest.mark.parametrize("service", SERVICES)
def test_facts_about_people_are_behind_row_security(service_database: Callable[..., Settings], service: str) -> None:
    with psycopg.connect(root_url(service_database(service), service)) as connection:
        behind = {name for (name,) in connection.execute(PROTECTED.encode()).fetchall()}
    people = {
        table for table, columns in classes_of(service).items() if any(c.is_about_people for c in columns.values())
    }
    assert people - behind <= WITHOUT_ROW_SECURITY


@pytest.mark.parametrize("service", sorted(NO_RECORD))
def test_every_table_about_people_is_a_part_of_the_record(service: str) -> None:
    """Else an export would be incomplete and an erasure would leave something."""
    records = records_of(service)
    assert records is not None
    people = {
        table for table, columns in classes_of(service).items() if any(c.is_about_people for c in columns.values())
    }
    named = {table.name for table in records.persons.all_tables}
    assert people - named <= NO_RECORD[service]


def test_services_without_records_of_persons_say_so() -> None:
    assert {service for service in SERVICES if records_of(service) is not None} == set(NO_RECORD)
