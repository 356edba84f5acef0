"""A copy of the directory through its change feed: complete at every moment, also while others write."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from typing import Any

import orjson
import psycopg
import pytest

from chassis import clock
from chassis.db import Database
from chassis.envelope import NETWORK, Received
from chassis.errors import NotFound, Stale
from chassis.identity import Caller
from chassis.keyed_ids import id_of_key
from chassis.problems import BadQuery
from chassis.requests import Call
from chassis.settings import Settings
from services.directory import schemas, usecases
from services.directory.rules.sections import SECTIONS
from services.directory.usecases import copying
from tests.support.databases import root_url

ADDRESS = "Slaptoji gatve 7"


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("directory")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    with closing(Database(at, "directory")) as database:
        yield database


def feed(db: Database, **query: str) -> dict[str, Any]:
    call = Call(route="-", operation="-", query=schemas.ChangesQuery().load(query))
    answer: dict[str, Any] = orjson.loads(copying.changes(db, call).value)
    return answer


class Copy:
    """What a partner does: take changes, keep the last record of each thing, notice a gap."""

    def __init__(self) -> None:
        self.seq = 0
        self.have: dict[tuple[str, str], dict[str, Any]] = {}

    def follow(self, db: Database, *, limit: int = 1000) -> bool:
        page = feed(db, after=str(self.seq), limit=str(limit))
        assert [each["seq"] for each in page["changes"]] == list(
            range(self.seq + 1, self.seq + 1 + len(page["changes"]))
        )
        for each in page["changes"]:
            mark = (each["section"], each["mark"])
            if each["action"] == "delete":
                self.have.pop(mark, None)
            elif each["record"] is not None:
                self.have[mark] = each["record"]
        self.seq = page["next"]
        return bool(page["changes"]) and self.seq < page["last"]

    def written(self) -> bytes:
        """The copy in the form of an export, for comparison byte for byte."""
        sections = {
            section.name: [
                record
                for (name, _), record in sorted(self.have.items(), key=lambda item: item[0][1].encode())
                if name == section.name
            ]
            for section in SECTIONS
        }
        return orjson.dumps({"about": copying.ABOUT, **sections}) + b"\n"


def service(number: int, **more: Any) -> dict[str, Any]:
    return {
        "key": f"lt-made-{number}", "organisation": "lt-kavkc", "kind": "peer_group",
        "names": {"lt": f"Grup\u0117 {number}"}, **more,
    }  # fmt: skip


def imported(db: Database, **sections: Any) -> None:
    report = usecases.import_organisations(db, sections, dry_run=False, actor="import:file")
    assert report.ok, report


def test_the_demo_is_copied_and_nothing_new_means_no_change(db: Database) -> None:
    usecases.import_demo(db)
    copy = Copy()
    while copy.follow(db, limit=7):
        pass
    assert copy.written() == copying.export(db).value
    assert len(copy.have) > 70
    usecases.import_demo(db)
    assert feed(db, after=str(copy.seq))["changes"] == []


def test_an_export_imported_elsewhere_gives_the_same_export(
    db: Database, service_database: Callable[..., Settings]
) -> None:
    usecases.import_demo(db)
    exported = copying.export(db).value
    with closing(Database(service_database("directory"), "directory")) as other:
        imported(other, **json.loads(exported))
        assert copying.export(other).value == exported


def edit(at: Settings, first: int) -> None:
    with closing(Database(at, "directory")) as mine:
        for turn in range(12):
            imported(mine, services=[service(n, about=f"Ratas {turn} „{n}“") for n in range(first, first + 3 + turn)])


def follow(db: Database, copy: Copy, limit: int, stop: threading.Event) -> None:
    while not stop.is_set():
        copy.follow(db, limit=limit)


def test_a_copy_under_concurrent_edits_ends_equal_byte_for_byte(db: Database, at: Settings) -> None:
    usecases.import_demo(db)
    stop = threading.Event()
    copies = {5: Copy(), 500: Copy()}
    with ThreadPoolExecutor(5) as pool:
        readers = [pool.submit(follow, db, copy, limit, stop) for limit, copy in copies.items()]
        writers = [pool.submit(edit, at, first) for first in (0, 10, 5)]  # two of them on the same rows
        wait(writers)
        stop.set()
        for each in writers + readers:
            each.result()
    for copy in copies.values():
        while copy.follow(db):
            pass
        assert copy.written() == copying.export(db).value


def test_a_writer_that_gives_up_leaves_no_gap(db: Database) -> None:
    usecases.import_demo(db)
    before = feed(db)["last"]
    usecases.import_organisations(db, {"services": [service(1)]}, dry_run=True, actor="import:file")
    imported(db, services=[service(2)])
    assert [each["seq"] for each in feed(db, after=str(before))["changes"]] == [before + 1]


def test_a_number_that_was_never_given_is_refused(db: Database) -> None:
    with pytest.raises(BadQuery):
        feed(db, after="1")


def test_an_address_that_is_withheld_is_nowhere_in_the_database_any_more(db: Database, at: Settings) -> None:
    usecases.import_demo(db)
    place = {"key": "lt-place", "organisation": "lt-kavkc", "country": "LT", "county": "Kauno"}
    known = {"address_1": ADDRESS, "city": "Kaunas", "postal_code": "LT-99999", "latitude": 54.9, "longitude": 23.9}
    imported(db, locations=[{**place, **known, "transport": {"lt": ADDRESS}, "phones": [{"number": "+37037000001"}]}])
    copy = Copy()
    while copy.follow(db):
        pass
    assert copy.have["locations", "lt-place"]["address_1"] == ADDRESS
    imported(db, locations=[{**place, "withheld": "safety_of_residents"}])
    while copy.follow(db):
        pass
    assert copy.have["locations", "lt-place"] == {**place, "kind": "physical", "withheld": "safety_of_residents"}
    for changes in (feed(db)["changes"], orjson.loads(copying.export(db).value)):
        assert ADDRESS not in str(changes)
    with psycopg.connect(root_url(at, "directory")) as connection:
        names = [row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        for name in names:
            dump = str(connection.execute(f"SELECT * FROM {name}".encode()).fetchall())
            assert not any(word in dump for word in (ADDRESS, "LT-99999", "+37037000001", "54.9")), name
    back = {"locations": [{**place, **known}]}
    report = usecases.import_organisations(db, back, dry_run=False, actor="import:file")
    assert [(each.field, each.section) for each in report.errors] == [("withheld", "locations")]
    assert ADDRESS not in str(report)


def test_what_is_for_partners_is_in_no_record_and_its_change_is_no_change(db: Database) -> None:
    usecases.import_demo(db)
    told = {"phones": [{"number": "+37037000002"}], "visibility": {"contacts": "partners"}}
    imported(db, services=[service(1, **told)])
    seq = feed(db)["last"]
    assert "+37037000002" not in str(feed(db))
    imported(db, services=[service(1, **{**told, "phones": [{"number": "+37037000003"}]})])
    assert feed(db)["last"] == seq
    imported(db, services=[service(1, visibility={})])
    assert "+37037000003" in str(feed(db, after=str(seq)))


def test_what_was_there_before_the_feed_is_told_at_the_first_start(db: Database, at: Settings) -> None:
    usecases.import_demo(db)
    whole = copying.export(db).value
    with psycopg.connect(root_url(at, "directory")) as connection:
        connection.execute("TRUNCATE public_record, directory_change, service_search, service_area")
    usecases.catch_up(db)
    assert copying.export(db).value == whole
    last = feed(db)["last"]
    usecases.catch_up(db)
    assert feed(db)["last"] == last
    query = schemas.ServiceQuery().load({"kind": "helpline"})
    assert len(usecases.services(db, Call(route="-", operation="-", query=query)).value["items"]) == 3


def test_a_suspended_organisation_goes_with_all_that_hangs_on_it_and_comes_back(db: Database) -> None:
    usecases.import_demo(db)
    whole = json.loads(copying.export(db).value)
    seq = feed(db)["last"]
    centre = next(row for row in whole["organisations"] if row["key"] == "lt-kavkc")
    imported(db, organisations=[{**centre, "status": "suspended"}])
    gone = {
        (each["section"], each["mark"]) for each in feed(db, after=str(seq))["changes"] if each["action"] == "delete"
    }
    assert gone >= {
        ("organisations", "lt-kavkc"),
        ("services", "lt-kavkc-behaviour-change"),
        ("locations", "lt-kavkc-kaunas"),
        ("licences", "lt-kavkc-behaviour-change|"),
    }
    for section in ("organisations", "services", "locations", "licences", "memberships"):
        here = json.dumps(json.loads(copying.export(db).value)[section])
        assert '"lt-kavkc"' not in here, section
    imported(db, organisations=[centre])
    assert json.loads(copying.export(db).value) == whole
    suspended = {**centre, "status": "suspended"}
    imported(db, organisations=[suspended])
    with pytest.raises(NotFound):
        usecases.organisation(db, Call(route="-", operation="-", path={"organisation": "lt-kavkc"}))
    network = usecases.network(db, Call(route="-", operation="-")).value
    assert "lt-kavkc" not in json.dumps([network["memberships"], network["licences"]])


def test_an_import_an_organisation_and_groups_write_at_once_and_nobody_fails(db: Database, at: Settings) -> None:
    usecases.import_demo(db)
    owner = id_of_key("organisation", "lt-kavkc")
    caller = Caller("user:1", owner, "lt-kavkc", frozenset({"org_admin"}), "t")

    def accept(turn: int) -> None:
        with closing(Database(at, "directory")) as mine:
            said = Call(route="PUT", operation="directory.service_accepting", caller=caller)
            said.path, said.body = {"service": "lt-made-0"}, {"accepting": ("open", "closed")[turn % 2]}
            said.expected_version = usecases.service(mine, said).version
            with contextlib.suppress(Stale):  # an import was quicker
                usecases.set_service_accepting(mine, said)

    def hear(turn: int) -> None:
        data = {
            "organisation_id": str(owner), "programme_key": "x", "kind": "peer", "area_codes": [], "languages": ["lt"],
            "mode": "in_person", "accepting": bool(turn % 2), "version": turn,
        }  # fmt: skip
        with closing(Database(at, "directory")) as mine, mine.background("test") as work:
            received = Received(
                id=clock.new_id(), type="group.changed", version=1, source="groups", subject=owner,
                audience=NETWORK, sequence=turn + 1, time=clock.now(), data=data,
            )  # fmt: skip
            usecases.keep_group(work, received)

    imported(db, services=[service(0)])
    with ThreadPoolExecutor(4) as pool:
        doing = [pool.submit(edit, at, 0), pool.submit(edit, at, 1)]
        doing += [pool.submit(act, turn) for turn in range(30) for act in (accept, hear)]
        for each in doing:
            each.result()
    copy = Copy()
    while copy.follow(db):
        pass
    assert copy.written() == copying.export(db).value
