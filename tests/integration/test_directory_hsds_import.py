"""Files of HSDS 3.0 coming in: our own export into an empty directory, the official examples, bad files."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chassis.db import Database
from chassis.errors import Invalid
from chassis.keyed_ids import id_of_key
from chassis.settings import Settings
from services.directory import usecases
from services.directory.rules.report import Report
from services.directory.usecases import copying, packaging
from tests.integration.test_hsds import every, generated

ORG, SERVICE, PLACE = (str(uuid.UUID(int=n)) for n in (1, 2, 3))
OWNER: dict[str, Any] = {"id": ORG, "name": "Namai", "description": "Pagalba"}
GOOD: dict[str, Any] = {"id": SERVICE, "organization_id": ORG, "name": "Linija", "status": "active"}
BOTH: dict[str, Any] = {"organizations": [OWNER], "services": [GOOD]}
NOT_CARRIED = ("last_modified", "metadata", "program", "program_id")
"""Times and history begin anew with an import; HSDS has no place for the key of a program."""


@pytest.fixture
def db(service_database: Callable[..., Settings]) -> Iterator[Database]:
    with closing(Database(service_database("directory"), "directory")) as database:
        yield database


@pytest.fixture
def other(service_database: Callable[..., Settings]) -> Iterator[Database]:
    with closing(Database(service_database("directory"), "directory")) as database:
        yield database


def imported(db: Database, at: Path, given: Any, *, dry_run: bool = False, **more: str) -> Report:
    file = at / "feed.json"
    file.write_bytes(given if isinstance(given, bytes) else json.dumps(given).encode())
    return usecases.import_hsds(db, file, dry_run=dry_run, **more)


def own(db: Database) -> dict[str, Any]:
    given: dict[str, Any] = json.loads(copying.export(db).value)
    return given


def comparable(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in each.items() if name not in NOT_CARRIED} for each in items]


@pytest.mark.parametrize("many", [False, True])
def test_our_own_export_gives_the_same_feed_in_an_empty_directory(
    db: Database, other: Database, tmp_path: Path, *, many: bool
) -> None:
    usecases.import_demo(db)
    if many:
        assert usecases.import_organisations(db, generated(40, 240), dry_run=False, actor="import:file").ok
    content, _ = packaging.exported(db, packaging.HSDS_JSON)
    report = imported(other, tmp_path, content)
    assert report.ok, str(report)
    assert comparable(every(other, "services", full="true")) == comparable(every(db, "services", full="true"))
    for name in ("services", "locations", "organisations"):
        assert [each["key"] for each in own(other)[name]] == [each["key"] for each in own(db)[name]]
    for here, there in zip(
        every(db, "organizations", full="true"), every(other, "organizations", full="true"), strict=True
    ):
        for each in (here, there):
            each["locations"] = comparable(each["locations"])
            each["services"] = comparable(each["services"])
            each["programs"] = [{**program, "id": ""} for program in each["programs"]]
        assert comparable([here]) == comparable([there])
    assert imported(other, tmp_path, content).changes == 0
    known = {each["key"]: each for each in own(db)["organisations"]}
    for each in own(other)["organisations"]:
        assert each.get("country") == known[each["key"]].get("country")


def test_a_page_of_services_alone_and_one_of_organisations_come_in(
    db: Database, other: Database, tmp_path: Path
) -> None:
    usecases.import_demo(db)
    services, owners = every(db, "services", full="true"), every(db, "organizations", full_service="true")
    assert imported(other, tmp_path, {"contents": services, "total_items": 11}, dry_run=True).ok
    report = imported(other, tmp_path, {"contents": owners})
    assert report.ok, str(report)
    assert (report.counts["organisations"].created, report.counts["services"].created) == (45, 11)
    later = imported(other, tmp_path, services)  # now by the keys that are there
    assert (later.ok, later.changes) == (True, 0), str(later)
    by_name = imported(other, tmp_path, {"contents": every(db, "organizations", full="true")})
    assert (by_name.ok, by_name.changes) == (True, 0)
    assert "services by name alone" in " ".join(imported(db, tmp_path, [{**owners[0], "services": [MINIMAL]}]).notes)


MINIMAL = {"id": str(uuid.UUID(int=9)), "name": "Kita", "status": "active"}


def test_a_foreign_file_gets_keys_of_its_ids_and_again_changes_nothing(db: Database, tmp_path: Path) -> None:
    given = {"organizations": [OWNER], "services": [{**GOOD, **FULL}]}
    dry = imported(db, tmp_path, given, dry_run=True, country="LT")
    assert (dry.ok, dry.counts["services"].created) == (True, 1)
    assert own(db)["services"] == []
    report = imported(db, tmp_path, given, language="lt", country="LT")
    assert report.ok, str(report)
    got = own(db)
    (service,), (place,), (owner,) = got["services"], got["locations"], got["organisations"]
    assert (owner["key"], owner["type"], owner["names"]) == (f"hsds-{ORG}", "other", {"lt": "Namai"})
    assert {name: service[name] for name in WANTED} == WANTED
    assert (place["key"], place["organisation"], place["country"]) == (f"hsds-{PLACE}", f"hsds-{ORG}", "LT")
    assert (place["city"], place["county"], "address_1" in place) == ("Kaunas", "Kauno", False)
    assert [each["programme"] for each in got["licences"]] == []
    (told,) = every(db, "services")
    assert told["id"] == str(id_of_key("service", f"hsds-{SERVICE}"))
    for left in (
        "service.fees",
        "attribute.term of another taxonomy",
        "schedule.rule that is more than",
        "contact.name",
    ):
        assert any(left in note for note in report.notes), (left, report.notes)
    again = imported(db, tmp_path, given, language="lt", country="LT")
    assert (again.changes, again.events) == (0, 0)
    nested = [{**GOOD, **FULL, "organization": {**OWNER, "name": "Kitas vardas"}}]
    assert imported(db, tmp_path, nested, language="lt", country="LT").changes == 0  # it is only named there


FULL: dict[str, Any] = {
    "alternate_name": "Pagalba", "description": "Pirma eilutė \r\nantra ", "fees": "Nemokamai", "minimum_age": 18.0,
    "maximum_age": 99, "email": "info@example.org", "url": "https://example.org", "status": "temporarily closed",
    "phones": [
        {"id": str(uuid.uuid4()), "number": '"+44 1234 234567"', "type": "cell", "extension": 12},
        {"id": str(uuid.uuid4()), "number": "8 37 000001", "languages": [{"id": ORG, "name": "Lithuanian"}]},
    ],
    "contacts": [{"id": ORG, "name": "Vardenis Pavardenis", "email": "a@example.org"}],
    "schedules": [
        {"id": ORG, "freq": "WEEKLY", "byday": "MO,TU", "opens_at": "08:00:00", "closes_at": "16:00"},
        {"id": ORG, "freq": "MONTHLY", "byday": "1MO", "opens_at": "08:00", "closes_at": "16:00"},
    ],
    "languages": [{"id": ORG, "code": "lt", "name": "Lithuanian"}],
    "service_areas": [{"id": ORG, "extent": "LT:Kaunas", "name": "Kaunas"}, {"id": ORG, "extent": "{}", "name": "x"}],
    "cost_options": [{"id": ORG, "option": "Kartas", "amount": 5, "currency": "EUR"}],
    "required_documents": [{"id": ORG, "document": "Siuntimas"}],
    "attributes": [{"id": ORG, "link_type": "x", "link_entity": "service", "value": "y", "taxonomy_term": {"id": ORG}}],
    "service_at_locations": [
        {
            "id": ORG,
            "location": {
                "id": PLACE, "location_type": "physical", "name": "Namai", "organization_id": ORG,
                "addresses": [
                    {
                        "id": ORG, "address_1": "Not stated", "city": "Kaunas", "state_province": "Kauno",
                        "postal_code": "LT-1", "country": "LT", "address_type": "physical",
                    }
                ],
            },
        }
    ],
}  # fmt: skip
WANTED = {
    "key": f"hsds-{SERVICE}", "organisation": f"hsds-{ORG}", "kind": "other", "accepting": "closed",
    "names": {"lt": "Linija", "und": "Pagalba"}, "descriptions": {"lt": "Pirma eilutė\nantra"},
    "eligibility": {"min_age": 18, "max_age": 99}, "languages": ["lt"], "coverage": ["LT:Kaunas"],
    "phones": [
        {"number": "+441234234567", "kind": "voice", "extension": 12},
        {"number": "+37037000001", "languages": ["lt"]},
    ],
    "contacts": [{"title": "Contact", "email": "a@example.org"}], "locations": [f"hsds-{PLACE}"],
    "schedules": [{"days": ["MO", "TU"], "opens": "08:00", "closes": "16:00"}],
    "costs": [{"option": "Kartas", "amount": 5, "currency": "EUR"}], "documents": ["Siuntimas"],
}  # fmt: skip

EXAMPLES: dict[str, set[tuple[str, str]]] = {
    "service_full.json": {("/service_at_locations/0/location", "latitude")},
    "organization_full.json": {("/", "parent"), ("/locations/0", "latitude")},
    "organization_list.json": {("/contents/0", "parent")},
    "service_list.json": set(),
    "location.json": {("/", "row")},
    "service_at_location_full.json": {("/", "row")},
    "service_at_location_list.json": {("/contents/0", "row")},
    "taxonomy.json": {("/", "row")},
    "taxonomy_list.json": {("/contents/0", "row")},
    "taxonomy_term.json": {("/", "row")},
    "taxonomy_term_list.json": {("/contents/0", "row")},
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_official_example_is_told_what_is_wrong_with_it_and_comes_in_without(
    db: Database, shared: Path, tmp_path: Path, name: str
) -> None:
    given = json.loads((shared / "data" / "hsds-3.0" / "examples" / name).read_bytes())
    report = imported(db, tmp_path, given)
    assert {(_where(each.row), each.field) for each in report.errors} >= EXAMPLES[name], str(report)
    assert len(own(db)["organisations"]) == (0 if EXAMPLES[name] else 1)
    if "row" in {column for _, column in EXAMPLES[name]}:
        return
    mended = json.dumps(given).replace('"latitude": 100', '"latitude": 10')
    mended = mended.replace('"parent_organization_id": "cd09a387-91f4-4555-94ec-e799c35344cd"', '"tax": "x"')
    report = imported(db, tmp_path, mended.encode())
    assert report.ok, str(report)
    assert (len(own(db)["organisations"]), len(own(db)["services"])) == (
        1,
        0 if name == "organization_list.json" else 1,
    )
    assert imported(db, tmp_path, mended.encode()).changes == 0


def _where(row: str) -> str:
    return row.removeprefix("feed.json ")


def test_the_official_tables_in_one_object_are_told_by_name(db: Database, shared: Path) -> None:
    file = shared / "data" / "hsds-3.0" / "examples" / "tabular.json"
    report = usecases.import_hsds(db, file, dry_run=False)
    assert ("tabular.json", "/organizations.csv", "member") in {(e.section, e.row, e.field) for e in report.errors}


def changed(**more: Any) -> dict[str, Any]:
    return {**BOTH, "services": [{**GOOD, **more}]}


FAULTS: list[tuple[Any, str | None, str, str | None]] = [
    (changed(id="lt-one"), "/services/0", "id", '"lt-one"'),
    (changed(id=None), "/services/0", "id", "null"),
    ({**BOTH, "services": [GOOD, GOOD]}, "feed.json /services/1", "key", f'["hsds-{SERVICE}"]'),
    ({**BOTH, "organizations": [OWNER, OWNER]}, "feed.json /organizations/1", "key", f'["hsds-{ORG}"]'),
    ({"services": [GOOD]}, "feed.json /services/0", "organisation", f'"hsds-{ORG}"'),
    (changed(organization_id=None), "feed.json /services/0", "organisation", "null"),
    (changed(status="open"), "/services/0", "status", '"open"'),
    (changed(name=""), "feed.json /services/0", "names", "null"),
    (changed(name=7), "/services/0", "name", "7"),
    (changed(phones=[{"number": "12"}]), "/services/0/phones/0", "number", '"12"'),
    (changed(phones=[{}]), "/services/0/phones/0", "number", "null"),
    (changed(phones=["+37037000001"]), "/services/0/phones/0", "phones", '"+37037000001"'),
    (changed(phones={}), None, "", ""),
    (changed(phones="x"), "/services/0", "phones", '"x"'),
    (changed(contacts=[{"title": "A", "email": "x"}]), "/services/0/contacts/0", "email", '"x"'),
    (changed(url="javascript:alert(1)"), "/services/0", "url", '"javascript:alert(1)"'),
    (
        changed(schedules=[{"byday": "MO", "opens_at": "8 am"}]),
        "/services/0/schedules/0",
        "opens_at",
        '"8 am"',
    ),
    (changed(minimum_age=12.5), "feed.json /services/0", "eligibility", '{"min_age": 12.5}'),
    (changed(description="a\u0000b"), "/services/0", "description", '"a\\u0000b"'),
    (changed(description="\ud800"), "/services/0", "description", '"\\ud800"'),
    (
        changed(service_at_locations=[{"location_id": PLACE}]),
        "feed.json /services/0",
        "locations",
        f'"hsds-{PLACE}"',
    ),
    ({"services": [7]}, "/services/0", "row", "7"),
    ({"people": []}, "/people", "member", '"people"'),
    ([OWNER, None], "/1", "row", "null"),
    ([{"id": ORG, "name": "A", "code": "x"}], "/0", "row", f'{{"id": "{ORG}", "name": "A", "code": "x"}}'),
    (
        {"organizations": [{**OWNER, "locations": [{"id": PLACE, "location_type": "physical"}]}]},
        "feed.json /organizations/0/locations/0",
        "country",
        "null",
    ),
    (
        {"organizations": [{**OWNER, "parent_organization_id": PLACE}]},
        "feed.json /organizations/0",
        "parent",
        f'"hsds-{PLACE}"',
    ),
    ({"organizations": [{**OWNER, "parent_organization_id": ORG}]}, "feed.json /organizations/0", "parent", None),
]


@pytest.mark.parametrize("number", range(len(FAULTS)))
def test_each_fault_is_told_with_its_place_and_nothing_is_half_imported(
    db: Database, tmp_path: Path, number: int
) -> None:
    given, where, field, value = FAULTS[number]
    report = imported(db, tmp_path, given)
    assert report.ok == (where is None), str(report)
    if where is None:
        return
    found = [each for each in report.errors if (each.row, each.field) == (where, field)]
    assert found, str(report)
    assert value is None or found[0].value == value
    assert str(report).encode()
    assert own(db)["organisations"] == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"", "not JSON"),
        (b'{"services": [', "not JSON"),
        (b'{"services": []} x', "something follows"),
        (b'{"services": [1 2]}', "expected , or ]"),
        (b'{"services": [\n\n{"id": tru}]}', "at line 3"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"services": [' + b'{"a":' * 100_000, "nested too deeply"),
        (b'{"services": [], "services": []}', "stands twice"),
        (b'{"services": [{"id": 1, "id": 2}]}', "stands twice"),
        (b'{"services": [{"id": NaN}]}', "no number of JSON"),
        ('{"services": [{"name": "Š"}]}'.encode("cp1257"), "not UTF-8"),
        (b"7", "not JSON"),
        (b'{"services": {"a": 1}}', "services must be a list"),
    ],
)
def test_what_is_no_json_is_refused_in_a_sentence(db: Database, tmp_path: Path, given: bytes, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        imported(db, tmp_path, given)
    assert said in refused.value.detail
    assert len(refused.value.detail) < 1000


def test_a_key_in_a_history_that_does_not_give_the_id_is_no_key(db: Database, tmp_path: Path) -> None:
    usecases.import_demo(db)
    forged = [{"field_name": "key", "replacement_value": "lt-police"}]
    report = imported(db, tmp_path, {"organizations": [{**OWNER, "metadata": forged}]})
    assert (report.ok, report.counts["organisations"].created) == (True, 1)
    assert f"hsds-{ORG}" in {each["key"] for each in own(db)["organisations"]}


HALF = "\ud800"
"""Half a letter of two: JSON can say it, and nothing can store or print it."""


def test_half_a_letter_breaks_nothing_wherever_it_stands(db: Database, tmp_path: Path) -> None:
    term = {"link_type": "service-kind", "value": HALF, "taxonomy_term_id": ORG}
    past = [{"field_name": "key", "replacement_value": HALF}]
    report = imported(db, tmp_path, changed(attributes=[term], metadata=past, **{HALF: 1}))
    assert report.ok, str(report)
    assert "\n".join(report.notes).encode()
    for given in (changed(service_areas=[{"extent": HALF}]), changed(schedules=[{"byday": HALF}])):
        assert imported(db, tmp_path, given).ok
    for given in ({HALF: []}, changed(alert=HALF), [HALF]):
        report = imported(db, tmp_path, given)
        assert not report.ok
        assert str(report).encode()


READ = """
import sys
from pathlib import Path
from services.directory.rules import hsds_walk as walk
from services.directory.rules.hsds_cells import Source
from services.directory.rules.judging import Judge
from services.directory.usecases import importing_hsds
path, judge = Path(sys.argv[1]), Judge()
known = walk.look(importing_hsds._items(path, single=False))
entries = walk.entries(importing_hsds._items(path, single=False), known, Source(path.name))
rows = sum(judge.take(each) is not None for each in entries)
# not ru_maxrss: that is inherited from the process that started this one
most = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(rows, judge.faults, int(most.split()[1]) // 1024)
"""


def test_a_file_of_fifty_megabytes_is_read_and_judged_in_256_mib(tmp_path: Path) -> None:
    file, text = tmp_path / "large.json", "Pagalba vyrams. " * 120
    with file.open("w", encoding="utf-8") as stream:
        stream.write('{"organizations": [' + json.dumps(OWNER) + '], "services": [')
        for n in range(25_000):
            each = {**GOOD, "id": str(uuid.UUID(int=n + 10)), "description": text}
            stream.write((",\n" if n else "") + json.dumps(each))
        stream.write("]}")
    assert file.stat().st_size > 50_000_000
    done = subprocess.run([sys.executable, "-c", READ, str(file)], capture_output=True, text=True, check=True)
    rows, faults, mib = map(int, done.stdout.split())
    assert (rows, faults) == (25_001, 0)
    assert mib <= 256
