"""The directory as a package of HSDS tables, against the official description: the demo, and every kind of gap."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from chassis.db import Database
from chassis.keyed_ids import id_of_key
from chassis.settings import Settings
from services.directory import usecases
from services.directory.usecases import copying, packaging
from tests.integration.test_hsds import ADDRESS, generated
from tests.support.databases import root_url
from tests.support.hsds import faults as faults_of_json
from tests.support.hsds_tables import core, faults, official, read

FORMULAS = ("=1+1", "+A1", "-A1", "@SUM(A1)", "=late")
PHONE = "+37037000009"


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("directory")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    with closing(Database(at, "directory")) as database:
        yield database


def imported(db: Database, given: dict[str, Any]) -> None:
    report = usecases.import_organisations(db, given, dry_run=False, actor="import:file")
    assert report.ok, str(report)


def filled(db: Database) -> None:
    """Whatever a directory can say, beside the demo."""
    usecases.import_demo(db)
    imported(db, generated(40, 240))


def package(db: Database) -> bytes:
    content: bytes = packaging.export_package(db).value
    return content


def test_every_table_column_and_value_of_the_demo_is_valid(db: Database, shared: Path) -> None:
    usecases.import_demo(db)
    _, tables = read(package(db))
    assert list(faults(tables, official(shared))) == []
    assert core(shared) <= set(tables)
    assert (len(tables["organization"]), len(tables["service"]), len(tables["location"])) == (45, 11, 2)


def test_so_is_everything_a_directory_can_say_and_our_own_description_of_it(db: Database, shared: Path) -> None:
    filled(db)
    described, tables = read(package(db))
    assert list(faults(tables, official(shared))) == []
    assert list(faults(tables, {each["name"]: each for each in described["resources"]})) == []
    assert set(tables) == set(official(shared)) - {"meta_table_description"}
    assert {each["code"] for each in tables["taxonomy_term"]} >= {"service-kind:helpline", "organisation-type:helpline"}


def test_the_judge_of_tables_finds_what_is_wrong(db: Database, shared: Path) -> None:
    """The negative control: a table, a column, an id twice, a reference, a type and an empty cell."""
    usecases.import_demo(db)
    _, good = read(package(db))
    services = good["service"]
    for wrong in (
        {"people": services},
        {"service": [{**row, "accepting": "open"} for row in services]},
        {"service": [*services, services[0]]},
        {"organization": good["organization"][:1]},
        {"schedule": [{**row, "opens_at": "24:00:00"} for row in good["schedule"]]},
        {"service": [{**row, "name": ""} for row in services]},
        {"service": [{**row, "status": "open"} for row in services]},
    ):
        assert list(faults({**good, **wrong}, official(shared)))


def test_the_same_directory_gives_the_same_bytes_and_says_of_which_moment(db: Database) -> None:
    filled(db)
    made = packaging.export_package(db)
    assert package(db) == made.value
    assert made.headers["Directory-Seq"] == copying.export(db).headers["Directory-Seq"]
    described, tables = read(made.value)
    assert str(described["directory_seq"]) == made.headers["Directory-Seq"]
    assert all(rows == sorted(rows, key=lambda row: row["id"]) for rows in tables.values())
    imported(db, {"organisations": [{"key": "lt-new", "type": "ngo", "names": {"lt": "Nauji"}}]})
    assert package(db) != made.value


def test_a_package_is_kept_until_anything_changes(db: Database, at: Settings) -> None:
    filled(db)
    first = packaging.export_package(db).value
    assert packaging.export_package(db).value is first
    imported(db, {"services": [{"key": "lt-a", "organisation": "lt-kavkc", "kind": "helpline", "names": {"lt": "A"}}]})
    second = packaging.export_package(db).value
    assert second != first
    hidden = {"phones": [{"number": PHONE}], "visibility": {"contacts": "partners"}}
    named = {"key": "lt-a", "organisation": "lt-kavkc", "kind": "helpline", "names": {"lt": "A"}, **hidden}
    imported(db, {"services": [named]})  # no change of the feed, but its date is another one
    third = packaging.export_package(db)
    assert third.value is not second  # within one second it says the same
    assert PHONE not in text(third.value)
    assert packaging.exported(db, packaging.HSDS_CSV)[0] == third.value
    with psycopg.connect(root_url(at, "directory")) as connection:
        connection.execute("UPDATE service SET changed_at = now() + interval '1 hour' WHERE key = 'lt-a'")
    assert packaging.export_package(db).value != third.value


def test_nothing_that_is_withheld_or_for_fewer_is_in_it(db: Database) -> None:
    given = generated(40, 240)
    given["locations"][4] = {
        "key": "lt-made-place-4", "organisation": "lt-made-4", "country": "LT", "names": {"lt": "Slaptieji"}, **ADDRESS,
        "address_1": "Slaptoji gatve 7", "city": "Slaptmiestis", "postal_code": "LT-99999",
    }  # fmt: skip
    imported(db, given)
    assert "Slaptoji" in text(package(db))
    imported(db, generated(40, 240))  # there the place is withheld
    imported(db, {"organisations": [{**given["organisations"][2], "status": "suspended"}]})
    whole = text(package(db)) + packaging.exported(db, packaging.HSDS_JSON)[0].decode()
    for secret in ("Slapt", "LT-99999", str(id_of_key("organisation", "lt-made-2"))):
        assert secret not in whole, secret
    _, tables = read(package(db))
    assert "safety_of_residents" in {row["value"] for row in tables["attribute"]}
    withheld = str(id_of_key("location", "lt-made-place-4"))
    assert withheld in {row["id"] for row in tables["location"]}
    for name in ("address", "phone", "schedule", "accessibility", "language"):
        assert withheld not in {row["location_id"] for row in tables[name]}, name
    partners = str(id_of_key("service", "lt-made-service-10"))
    assert partners not in {row["service_id"] for row in [*tables["phone"], *tables["contact"]]}


def text(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return "\n".join(archive.read(name).decode() for name in archive.namelist())


def test_no_cell_is_a_formula_and_phones_come_back_by_a_mapping(db: Database, tmp_path: Path) -> None:
    organisations = [
        {"key": f"lt-made-{n}", "type": "ngo", "names": {"lt": said}, "phones": [{"number": PHONE}]}
        for n, said in enumerate(FORMULAS)
    ]
    imported(db, {"organisations": organisations})
    content = package(db)
    _, tables = read(content)
    assert {row["name"] for row in tables["organization"]} == {f"'{said}" for said in FORMULAS}
    for rows in tables.values():
        for cell in (cell for row in rows for cell in row.values()):
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")) or cell == PHONE
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(tmp_path)
    (tmp_path / "mapping.json").write_text(json.dumps(BACK), encoding="utf-8")
    report = usecases.import_tables(db, tmp_path, tmp_path / "mapping.json", dry_run=False)
    assert report.ok, str(report)
    back = json.loads(copying.export(db).value)["organisations"]
    assert [each["phones"] for each in back if each["key"].startswith("back-")] == [[{"number": PHONE}]] * 5


BACK = {
    "sections": {
        "organisations": {
            "file": "organizations.csv",
            "key": {"column": "id", "prefix": "back-"},
            "fields": {"type": {"value": "ngo"}, "names": {"column": "name", "as": "texts", "language": "lt"}},
            "parts": {
                "phones": {
                    "file": "phones.csv",
                    "column": "organization_id",
                    "fields": {"number": {"column": "number", "as": "phone"}},
                }
            },
        }
    }
}


def test_the_document_has_every_organisation_and_service_in_full(db: Database) -> None:
    filled(db)
    content, seq = packaging.exported(db, packaging.HSDS_JSON)
    assert str(seq) == copying.export(db).headers["Directory-Seq"]
    given = json.loads(content)
    assert set(given) == {"version", "organizations", "services"}
    assert (len(given["organizations"]), len(given["services"])) == (45 + 40, 11 + 240)
    for each in given["organizations"]:
        assert faults_of_json("organization", each) == []
    for each in given["services"]:
        assert faults_of_json("service", each) == []
    assert packaging.exported(db, packaging.OURS)[0] == copying.export(db).value


def test_an_empty_directory_is_a_package_without_tables(db: Database) -> None:
    content = package(db)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["datapackage.json"]
    given = json.loads(packaging.exported(db, packaging.HSDS_JSON)[0])
    assert (given["organizations"], given["services"]) == ([], [])


def test_cells_of_several_lines_and_quotes_are_read_back_as_they_were(db: Database) -> None:
    said = 'Pirma "eilutė", su kableliu;\nantra'
    imported(
        db, {"organisations": [{"key": "lt-a", "type": "ngo", "names": {"lt": "A"}, "descriptions": {"lt": said}}]}
    )
    with zipfile.ZipFile(io.BytesIO(package(db))) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("organizations.csv").decode(), newline="")))
    assert rows[0]["description"] == said
