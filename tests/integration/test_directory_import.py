"""Imports on a real database: dry run, faults, repetition, events, and an organisation's own word on accepting."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from chassis.db import Database
from chassis.errors import Invalid, NotAllowed, NotFound, Refused, Stale
from chassis.identity import Caller
from chassis.keyed_ids import id_of_key
from chassis.requests import Call, Outcome
from chassis.settings import Settings
from services.directory import usecases
from services.directory.rules.report import Report
from services.directory.rules.sections import SECTIONS
from services.directory.usecases.importing import HERE
from tests.support.databases import root_url

KAVKC = id_of_key("organisation", "lt-kavkc")
POLICE = id_of_key("organisation", "lt-police")
PROGRAMME = "lt-kavkc-behaviour-change"


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("directory")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    database = Database(at, "directory")
    yield database
    database.close()


def rows(at: Settings, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(root_url(at, "directory")) as connection:
        return connection.execute(query.encode()).fetchall()


def network() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((HERE / "organisations.json").read_text(encoding="utf-8"))
    return read


def imported(db: Database, document: dict[str, Any], *, dry_run: bool = False) -> Report:
    return usecases.import_organisations(db, document, dry_run=dry_run, actor="test")


def test_an_import_writes_every_row_and_one_event_per_organisation_and_service(db: Database, at: Settings) -> None:
    report = usecases.import_file(db, HERE / "organisations.json", dry_run=False)
    assert report.ok
    in_file = {section.name: len(network().get(section.name, [])) for section in SECTIONS}
    assert {name: count.created for name, count in report.counts.items()} == in_file
    query = "SELECT type, count(*), min(sequence), max(sequence), min(audience) FROM outbox GROUP BY type ORDER BY 1"
    told = rows(at, query)
    counts = {
        "membership.started": 4,
        "organisation.registered": 45,
        "partnership.recorded": 7,
        "service.published": 11,
    }
    assert told == [(name, count, 1, 1, "network") for name, count in counts.items()]
    assert report.events == sum(counts.values())
    assert rows(at, "SELECT id FROM organisation WHERE key = 'lt-kavkc'") == [(KAVKC,)]
    parent = "SELECT p.key FROM organisation AS o JOIN organisation AS p ON p.id = o.parent_id WHERE o.key = 'ee-ska'"
    assert rows(at, parent) == [("ee-sotsiaalministeerium",)]
    assert rows(at, "SELECT operation FROM audit") == [("directory.import",)]


def test_nothing_of_the_file_is_lost(db: Database, at: Settings) -> None:
    usecases.import_file(db, HERE / "organisations.json", dry_run=False)
    kept = json.dumps(
        [rows(at, f"SELECT to_jsonb(t) FROM {table} AS t") for table in TABLES], ensure_ascii=False, default=str
    )
    for leaf in leaves(network()):
        assert json.dumps(leaf, ensure_ascii=False).strip('"') in kept, leaf


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves(inner)
    elif value is not None:
        yield value


TABLES = (
    "organisation", "service", "service_partner", "membership", "initiative", "initiative_organisation", "indicator",
    "licence", "network_fact", "import_source",
)  # fmt: skip


def test_a_second_import_changes_nothing(db: Database, at: Settings) -> None:
    usecases.import_file(db, HERE / "organisations.json", dry_run=False)
    before = rows(at, "SELECT max(no) FROM outbox"), rows(at, "SELECT id, xmin::text FROM organisation ORDER BY id")
    report = usecases.import_file(db, HERE / "organisations.json", dry_run=False)
    assert (report.changes, report.events) == (0, 0)
    after = rows(at, "SELECT max(no) FROM outbox"), rows(at, "SELECT id, xmin::text FROM organisation ORDER BY id")
    assert after[0] == before[0]
    assert rows(at, "SELECT count(*) FROM audit") == [(1,)]
    assert rows(at, "SELECT DISTINCT version FROM service") == [(1,)]


def test_a_dry_run_tells_and_writes_nothing(db: Database, at: Settings) -> None:
    report = imported(db, network(), dry_run=True)
    assert (report.counts["organisations"].created, report.events) == (45, 67)
    assert "Dry run" in str(report)
    for table in (*TABLES, "outbox", "event_sequence", "audit", "metadata"):
        assert rows(at, f"SELECT count(*) FROM {table}") == [(0,)], table


def test_one_fault_stops_everything_and_every_fault_is_told(db: Database, at: Settings) -> None:
    document = network()
    document["organisations"][3]["country"] = "XX"
    document["services"][0]["organisation"] = "fi-nobody"
    report = imported(db, document)
    assert [(e.section, e.row, e.field) for e in report.errors] == [
        ("organisations", "[3] lt-gentys", "country"),
        ("services", "[0] fi-miesryhmat", "organisation"),
    ]
    assert "nothing was imported" in str(report)
    assert rows(at, "SELECT count(*) FROM organisation") == [(0,)]


def test_a_change_moves_version_and_sequence_of_that_one_alone(db: Database, at: Settings) -> None:
    imported(db, network())
    document = network()
    document["organisations"][0]["seat"] = "Garliava"
    report = imported(db, document)
    assert (report.changes, report.events) == (1, 1)
    told = rows(at, "SELECT type, sequence, data->>'version' FROM outbox ORDER BY no DESC LIMIT 1")
    assert told == [("organisation.changed", 2, "2")]
    noted = "SELECT field_name, previous_value, replacement_value, updated_by FROM metadata ORDER BY no DESC LIMIT 1"
    assert rows(at, noted) == [("seat", "Kaunas", "Garliava", "test")]


def test_changed_links_and_sections_without_events_are_kept_too(db: Database, at: Settings) -> None:
    imported(db, network())
    document = network()
    document["services"][7]["with"] = ["lt-gentys", "lt-kspc"]
    document["initiatives"][1]["partners"] = ["lt-kapvc", "lt-kavkc"]
    document["memberships"][0]["role"] = "associate"
    report = imported(db, document)
    assert (report.changes, report.events) == (3, 3)
    assert imported(db, document).changes == 0


def test_imports_at_the_same_time_do_each_thing_once(db: Database, at: Settings) -> None:
    threads = [threading.Thread(target=imported, args=(db, network())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows(at, "SELECT count(*), max(sequence) FROM outbox") == [(67, 1)]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "import.no_file"),
        (b"{", "import.no_json"),
        (b"\xff{}", "import.no_text"),
        (b"[]", "import.wrong_shape"),
        (b'{"about": "a", "about": "b"}', "import.no_json"),
        (b'{"about": NaN}', "import.no_json"),
        (b"[" * 200_000, "import.no_json"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_sentence(
    db: Database, tmp_path: Path, content: bytes | None, code: str
) -> None:
    path = tmp_path / "network.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Invalid) as refused:
        usecases.import_file(db, path, dry_run=True)
    assert refused.value.code == code
    assert str(path) in refused.value.detail


def test_the_demo_sets_what_no_page_says_and_says_so(db: Database, at: Settings) -> None:
    assert usecases.import_demo(db).ok
    said = "SELECT accepting, accepting_source, urgencies FROM service WHERE key = "
    assert rows(at, f"{said}'{PROGRAMME}'") == [("open", "demo", ["urgent", "standard", "planned"])]
    assert rows(at, f"{said}'fi-poikien-puhelin'") == [("closed", "demo", [])]
    assert rows(at, f"{said}'fi-isyyden-tueksi'") == [("unknown", "nobody", [])]
    assert ("import:demo",) in rows(at, "SELECT updated_by FROM metadata WHERE field_name = 'accepting'")
    assert usecases.import_demo(db).changes == 0
    assert usecases.import_file(db, HERE / "organisations.json", dry_run=False).changes == 0


def asks(service: str, accepting: str, *, org: uuid.UUID = KAVKC, version: int = 1, key: str | None = None) -> Call:
    return Call(
        route="PUT /directory/services/<service>/accepting",
        operation="directory.service_accepting",
        caller=Caller("user:1", org, "-", frozenset({"org_admin"}), "t"),
        path={"service": service},
        body={"accepting": accepting},
        raw=accepting.encode(),
        expected_version=version,
        idempotency_key=key,
    )


def test_an_organisation_closes_its_own_service_and_no_import_opens_it_again(db: Database, at: Settings) -> None:
    usecases.import_demo(db)
    outcome = usecases.set_service_accepting(db, asks(PROGRAMME, "closed", key="k"))
    assert (outcome.version, outcome.value["accepting"]) == (2, "closed")
    assert outcome.value["accepting_source"] == "organisation"
    again: Outcome = usecases.set_service_accepting(db, asks(PROGRAMME, "closed", key="k"))
    assert again.version == 2
    told = rows(at, "SELECT type, sequence, data->>'accepting' FROM outbox ORDER BY no DESC LIMIT 1")
    assert told == [("service.changed", 2, "closed")]
    assert usecases.import_demo(db).changes == 0
    assert rows(at, "SELECT count(*) FROM outbox") == [(68,)]
    audited = rows(at, "SELECT operation, org_id FROM audit ORDER BY no DESC LIMIT 1")
    assert audited == [("directory.service_accepting", KAVKC)]


@pytest.mark.parametrize(
    ("call", "refusal"),
    [
        (asks("lt-nothing", "open"), NotFound),
        (asks(PROGRAMME, "closed", org=POLICE), NotAllowed),
        (asks(PROGRAMME, "closed", version=7), Stale),
    ],
)
def test_what_may_not_be_changed_stays(db: Database, at: Settings, call: Call, refusal: type[Refused]) -> None:
    usecases.import_demo(db)
    with pytest.raises(refusal):
        usecases.set_service_accepting(db, call)
    assert rows(at, "SELECT count(*) FROM outbox") == [(67,)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE organisation SET country = 'lt'",
        "UPDATE organisation SET key = 'A b'",
        "UPDATE organisation SET names = '{}'",
        "UPDATE organisation SET parent_id = id",
        "UPDATE service SET accepting = 'maybe'",
        "UPDATE service SET coverage = '{Kaunas}'",
        "UPDATE service SET urgencies = '{soon}'",
        "UPDATE membership SET started = '2022-13'",
    ],
)
def test_the_tables_refuse_what_the_rules_refuse(db: Database, at: Settings, statement: str) -> None:
    usecases.import_demo(db)
    with psycopg.connect(at.database_url("directory")) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(statement.encode())
