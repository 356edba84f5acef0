"""Tables of other systems through a mapping: the public sample, every kind of bad cell, and a hundred thousand rows."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chassis.db import Database
from chassis.errors import Invalid
from chassis.settings import Settings
from services.directory import usecases
from services.directory.usecases import copying

OHANA = Path(__file__).parents[2] / "docs" / "mappings" / "ohana.json"
MAPPING: dict[str, Any] = {
    "sections": {
        "organisations": {
            "file": "orgs.csv",
            "key": {"column": "id", "prefix": "x-"},
            "fields": {
                "type": {"value": "ngo"},
                "names": {"column": "name", "as": "texts", "language": "lt"},
                "founded": {"column": "since", "as": "date"},
                "parent": {"column": "in", "as": "key", "prefix": "x-"},
            },
            "parts": {
                "phones": {
                    "file": "phones.csv",
                    "column": "org",
                    "fields": {"number": {"column": "number", "as": "phone", "country": "LT"}},
                }
            },
        }
    }
}
GOOD = "id,name,since,in\n1,Namai,2001-05-03,\n2,Kiti namai,,1\n"
PHONES = "org,number\n1,+37037000001\n"


@pytest.fixture
def db(service_database: Callable[..., Settings]) -> Iterator[Database]:
    with closing(Database(service_database("directory"), "directory")) as database:
        yield database


def imported(db: Database, folder: Path, mapping: Path = OHANA, *, dry_run: bool = False) -> Any:
    return usecases.import_tables(db, folder, mapping, dry_run=dry_run)


def written(folder: Path, orgs: str | bytes = GOOD, phones: str | bytes = PHONES) -> Path:
    for name, text in (("orgs.csv", orgs), ("phones.csv", phones)):
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    (folder / "mapping.json").write_text(json.dumps(MAPPING), encoding="utf-8")
    return folder


def test_the_public_sample_comes_in_whole_twice_is_once_and_a_dry_run_is_nothing(db: Database, shared: Path) -> None:
    folder = shared / "data" / "ohana-sample" / "data" / "sample-csv"
    dry = imported(db, folder, dry_run=True)
    assert dry.ok, str(dry)
    assert json.loads(copying.export(db).value)["services"] == []
    first = imported(db, folder)
    counted = {name: count.created for name, count in first.counts.items() if count.created}
    assert counted == {"organisations": 8, "locations": 22, "services": 23}
    assert imported(db, folder).changes == 0
    got = json.loads(copying.export(db).value)
    place = next(each for each in got["locations"] if each["key"] == "us-sample-place-1")
    assert (place["city"], place["county"], place["postal_code"]) == ("Redwood City", "CA", "94063")
    assert [phone["number"] for phone in place["phones"]] == ["+16507807525", "+16507010856"]
    hours = next(each for each in got["services"] if each["key"] == "us-sample-service-22")["schedules"]
    assert hours[1] == {"days": ["MO"], "opens": "14:00", "closes": "16:00"}


@pytest.mark.parametrize(
    ("orgs", "phones", "faults"),
    [
        (GOOD + "3,Namai,01/02/03,\n", PHONES, [("orgs.csv", "line 4", "since")]),
        (
            GOOD + "3,=HYPERLINK(1),,\n",
            PHONES,
            [("orgs.csv", "line 4", "name")],
        ),
        (GOOD + "2,Dar kartą,,\n", PHONES, [("organisations", "orgs.csv line 4", "key")]),
        (GOOD + "3,Namai,,9\n", PHONES, [("organisations", "orgs.csv line 4", "parent")]),
        (GOOD + "3,Namai\n", PHONES, [("orgs.csv", "line 4", "row")]),
        (GOOD + ",Be numerio,,\n", PHONES, [("organisations", "orgs.csv line 4", "key")]),
        (GOOD, "org,number\n1,12\n", [("phones.csv", "line 2", "number")]),
        ("id,vardas\n1,Namai\n", PHONES, [("orgs.csv", "line 1", "header")]),
        ("id,name,name,since,in\n", PHONES, [("orgs.csv", "line 1", "header")]),
        (GOOD.encode() + "3,Šilutė,,\n".encode("cp1257"), PHONES, [("orgs.csv", "after line 1", "encoding")]),
        (GOOD + '3,"never closed,,\n', PHONES, [("orgs.csv", "after line 3", "row")]),
        (GOOD + f"3,{'a' * (10 << 20)},,\n", PHONES, [("orgs.csv", "after line 3", "row")]),
    ],
)
def test_each_bad_cell_is_told_with_file_line_and_column_and_nothing_is_half_imported(
    db: Database, tmp_path: Path, orgs: str | bytes, phones: str, faults: list[tuple[str, str, str]]
) -> None:
    folder = written(tmp_path, orgs, phones)
    report = imported(db, folder, folder / "mapping.json")
    assert [(each.section, each.row, each.field) for each in report.errors] == faults
    assert len(str(report)) < 20_000
    assert json.loads(copying.export(db).value)["organisations"] == []


@pytest.mark.parametrize("text", ["\ufeff" + GOOD, GOOD.replace("\n", "\r\n")])
def test_byte_order_marks_and_line_ends_of_spreadsheets_are_read(db: Database, tmp_path: Path, text: str) -> None:
    folder = written(tmp_path, text)
    assert imported(db, folder, folder / "mapping.json").ok
    first = json.loads(copying.export(db).value)["organisations"][0]
    assert (first["key"], first["founded"], first["phones"]) == ("x-1", "2001-05-03", [{"number": "+37037000001"}])


def test_a_missing_file_and_a_wrong_mapping_are_told(db: Database, tmp_path: Path) -> None:
    folder = written(tmp_path)
    (folder / "phones.csv").unlink()
    assert [each.field for each in imported(db, folder, folder / "mapping.json").errors][:1] == ["file"]
    (folder / "mapping.json").write_text('{"sections": {"people": {"file": "a", "fields": {}}}}', encoding="utf-8")
    with pytest.raises(Invalid) as refused:
        imported(db, folder, folder / "mapping.json")
    assert "no section people" in refused.value.detail


READ = """
import json, sys
from pathlib import Path
from services.directory.rules.judging import Judge
from services.directory.usecases import tables
folder = Path(sys.argv[1])
judge = Judge()
mapping = json.loads((folder / "mapping.json").read_text())
rows = sum(judge.take(each) is not None for each in tables.entries(folder, mapping))
# not ru_maxrss: that is inherited from the process that started this one
most = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(rows, judge.faults, int(most.split()[1]) // 1024)
"""


def test_a_hundred_thousand_rows_are_read_and_judged_in_256_mib(tmp_path: Path) -> None:
    folder = written(tmp_path)
    with (folder / "orgs.csv").open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["id", "name", "since", "in"])
        table.writerows([n, f"Pagalbos namai {n}", "2001-05-03", n - 1 if n % 50 else ""] for n in range(100_000))
    done = subprocess.run([sys.executable, "-c", READ, str(folder)], capture_output=True, text=True, check=True)
    rows, faults, mib = map(int, done.stdout.split())
    assert (rows, faults) == (100_000, 0)
    assert mib <= 256
