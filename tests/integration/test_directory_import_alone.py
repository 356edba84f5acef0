"""Imports by a person over HTTP: what one alone may do, what needs two, faults by pointer, and repeats."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import orjson
import psycopg
import pytest

from chassis.db import Database
from chassis.errors import Invalid, NotAllowed
from chassis.identity import Caller
from chassis.keyed_ids import id_of_key
from chassis.requests import Call
from chassis.settings import Settings
from services.directory import usecases
from services.directory.schemas.importing import IMPORT_EXAMPLE
from services.directory.usecases import copying
from services.directory.usecases.importing_alone import import_document
from tests.support.databases import root_url

CENTRE, PROGRAMME, PLACE = "lt-kavkc", "lt-kavkc-behaviour-change", "lt-kavkc-kaunas"
PHONES = [{"number": "+37037000001"}]
CONTACTS = {"email": "info@example.org", "phones": PHONES, "contacts": [{"title": "Budintis"}]}


@pytest.fixture
def at(service_database: Callable[..., Settings]) -> Settings:
    return service_database("directory")


@pytest.fixture
def db(at: Settings) -> Iterator[Database]:
    with closing(Database(at, "directory")) as database:
        usecases.import_demo(database)
        yield database


def brought(
    db: Database, given: dict[str, Any], *, dry_run: bool = False, key: str = "", who: str = "member:one"
) -> Any:
    caller = Caller(who, id_of_key("organisation", CENTRE), CENTRE, frozenset({"network_admin"}), "t")
    call = Call(route="POST /directory/imports", operation="directory.import", caller=caller)
    call.body, call.raw, call.query = given, orjson.dumps(given), {"dry_run": dry_run}
    call.idempotency_key = key or None
    return import_document(db, call).value


def refused(db: Database, given: dict[str, Any], **more: Any) -> dict[str, str]:
    before = everything(db)
    with pytest.raises(Invalid) as faults:
        brought(db, given, **more)
    assert everything(db) == before
    assert faults.value.code == "import.faults"
    return {each.pointer: each.detail for each in faults.value.fields}


def everything(db: Database) -> bytes:
    content: bytes = copying.export(db).value
    return content


def rows(at: Settings, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(root_url(at, "directory")) as connection:
        return connection.execute(query.encode()).fetchall()


def own(db: Database, section: str, key: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in json.loads(everything(db))[section] if each["key"] == key)
    return {name: value for name, value in found.items() if name not in {"accepting", "accepting_source"}}


def new(**more: Any) -> dict[str, Any]:
    return {"key": "lt-new", "type": "ngo", "names": {"lt": "Nauji"}, **more}


def test_a_new_organisation_is_joining_with_all_that_comes_with_it_and_nobody_finds_it(
    db: Database, at: Settings
) -> None:
    before = everything(db)
    service = {
        "key": "lt-new-line",
        "organisation": "lt-new",
        "kind": "helpline",
        "names": {"lt": "Linija"},
        **CONTACTS,
    }
    place = {"key": "lt-new-place", "organisation": "lt-new", "country": "LT", "phones": PHONES}
    given = {"organisations": [new(**CONTACTS)], "services": [service], "locations": [place]}
    dry = brought(db, given, dry_run=True)
    assert (dry["id"], dry["dry_run"], dry["changes"]) == (None, True, 3)
    assert rows(at, "SELECT 1 FROM organisation WHERE key = 'lt-new'") == []
    done = brought(db, given)
    assert done["counts"]["organisations"] == {"created": 1, "changed": 0, "unchanged": 0}
    assert rows(at, "SELECT status FROM organisation WHERE key = 'lt-new'") == [("joining",)]
    assert everything(db) == before
    assert rows(at, "SELECT 1 FROM outbox WHERE data::text LIKE '%lt-new%'") == []
    by = rows(at, "SELECT DISTINCT updated_by FROM metadata WHERE updated_by <> 'import:demo'")
    assert by == [("import:member:one",)]
    assert rows(at, f"SELECT operation, subject FROM audit WHERE object_id = '{done['id']}'") == [
        ("directory.import", "member:one")
    ]
    again = brought(db, given)
    assert (again["changes"], again["events"], everything(db)) == (0, 0, before)


@pytest.mark.parametrize("status", ["active", "suspended"])
def test_nobody_alone_says_that_a_new_organisation_is_more_than_joining(db: Database, status: str) -> None:
    told = refused(db, {"organisations": [new(status=status)]})
    assert list(told) == ["/organisations/0/status"]
    assert "needs two persons: propose it at /directory/proposals" in told["/organisations/0/status"]
    assert "/organisations/0/status" in refused(db, {"organisations": [new(status=status)]}, dry_run=True)


@pytest.mark.parametrize(
    ("section", "key", "change"),
    [
        ("organisations", CENTRE, {"type": "police"}),
        ("organisations", CENTRE, {"status": "suspended"}),
        *(("organisations", CENTRE, {name: value}) for name, value in CONTACTS.items()),
        *(("services", PROGRAMME, {name: value}) for name, value in CONTACTS.items()),
        ("services", PROGRAMME, {"status": "withdrawn"}),
        ("services", PROGRAMME, {"organisation": "lt-kapvc"}),
        ("locations", PLACE, {"phones": PHONES}),
        ("locations", PLACE, {"address_1": "Kita g. 1"}),
        ("locations", PLACE, {"organisation": "lt-kapvc"}),
    ],
)
def test_what_needs_two_persons_is_refused_by_its_pointer(
    db: Database, section: str, key: str, change: dict[str, Any]
) -> None:
    row = own(db, section, key)
    told = refused(db, {section: [{**row, **change}]})
    (name,) = change
    assert list(told) == [f"/{section}/0/{name}"]
    assert "needs two persons: propose it at /directory/proposals" in told[f"/{section}/0/{name}"]
    assert "+3703700" not in str(told)
    assert brought(db, {section: [row]})["changes"] == 0


def test_the_command_on_the_machine_may_all_of_it(db: Database) -> None:
    given = {"organisations": [{**own(db, "organisations", CENTRE), **CONTACTS}, new(status="active")]}
    assert usecases.import_organisations(db, given, dry_run=False, actor="import:file").ok
    assert own(db, "organisations", CENTRE)["phones"] == PHONES
    assert own(db, "organisations", "lt-new")["status"] == "active"


def test_a_contact_that_is_there_is_not_taken_away_either(db: Database) -> None:
    row = own(db, "organisations", CENTRE)
    assert usecases.import_organisations(db, {"organisations": [{**row, **CONTACTS}]}, dry_run=False, actor="x").ok
    told = refused(db, {"organisations": [{**row, "phones": [], "email": "other@example.org"}]})
    assert set(told) == {"/organisations/0/phones", "/organisations/0/email"}


def test_a_new_service_or_place_brings_no_contact_to_an_organisation_that_is_here(db: Database) -> None:
    service = {"key": "lt-x", "organisation": CENTRE, "kind": "helpline", "names": {"lt": "Linija"}}
    place = {"key": "lt-y", "organisation": CENTRE, "country": "LT"}
    known = {"phones": PHONES, "city": "Kaunas"}
    told = refused(db, {"services": [{**service, **CONTACTS}], "locations": [{**place, **known}]})
    assert set(told) == {"/locations/0/phones", "/locations/0/city", *(f"/services/0/{name}" for name in CONTACTS)}
    assert brought(db, {"services": [service], "locations": [place]})["changes"] == 2


def test_the_rest_of_an_entry_changes_and_an_address_is_withheld_by_one(db: Database) -> None:
    row = own(db, "services", PROGRAMME)
    assert brought(db, {"services": [{**row, "about": "Naujas aprašymas", "needs": ["housing"]}]})["changes"] == 1
    assert own(db, "services", PROGRAMME)["about"] == "Naujas aprašymas"
    place = {"key": "lt-y", "organisation": CENTRE, "country": "LT", "phones": PHONES, "city": "Kaunas"}
    assert usecases.import_organisations(db, {"locations": [place]}, dry_run=False, actor="import:file").ok
    hidden = {"key": "lt-y", "organisation": CENTRE, "country": "LT", "withheld": "safety_of_residents"}
    assert brought(db, {"locations": [hidden]})["changes"] == 1
    assert own(db, "locations", "lt-y")["withheld"] == "safety_of_residents"


def test_every_fault_has_a_pointer_and_repeats_no_value(db: Database) -> None:
    secret = "Kanarelesuverte"
    told = refused(
        db,
        {
            "organisations": [
                new(country=secret),
                new(key="lt-b", parent="lt-nobody"),
                new(key="lt-c", **{"hue/" + "x" * 999: secret}),
            ],
            "services": [{"key": "lt-x", "organisation": "lt-no-one", "kind": "helpline", "names": {"lt": "L"}}],
            "initiatives": [{"key": "i", "period": {"from": secret}}, secret, {"key": "i"}],
            "memberships": [{"organisation": CENTRE, "in": CENTRE}],
        },
    )
    assert set(told) == {
        "/organisations/0/country", "/organisations/1/parent", "/organisations/2/hue~1" + "x" * 96,
        "/services/0/organisation",
        "/initiatives/0/period/from", "/initiatives/1", "/initiatives/2/key", "/memberships/0/in",
    }  # fmt: skip
    assert secret not in str(told)


def test_a_repeat_does_nothing_and_another_body_is_refused(db: Database, at: Settings) -> None:
    first = brought(db, IMPORT_EXAMPLE, key="one")
    count = rows(at, "SELECT count(*) FROM outbox")
    repeated = brought(db, IMPORT_EXAMPLE, key="one")
    assert (repeated["id"], repeated["changes"]) == (first["id"], 0)
    assert uuid.UUID(str(first["id"]))
    assert rows(at, "SELECT count(*) FROM outbox") == count
    with pytest.raises(Invalid) as other:
        brought(db, {"organisations": [new()]}, key="one")
    assert other.value.code == "idempotency_key.reused"


def test_more_rows_than_a_request_has_time_for_are_refused(db: Database) -> None:
    with pytest.raises(Invalid) as told:
        brought(db, {"organisations": [new(key=f"lt-new-{n}") for n in range(5001)]})
    assert told.value.code == "import.too_many"


def test_a_system_does_not_import(db: Database) -> None:
    with pytest.raises(NotAllowed) as told:
        brought(db, IMPORT_EXAMPLE, who="client:one")
    assert told.value.code == "import.needs_person"


def test_the_export_of_another_directory_comes_in_only_as_far_as_one_person_goes(
    db: Database, service_database: Callable[..., Settings]
) -> None:
    given = json.loads(everything(db))
    with closing(Database(service_database("directory"), "directory")) as other:
        told = refused(other, given)
        assert sum(each.startswith("/organisations/") for each in told) == len(given["organisations"])
        for each in given["organisations"]:
            each.pop("status")
        assert brought(other, given)["counts"]["organisations"]["created"] == len(given["organisations"])
        assert json.loads(everything(other))["organisations"] == []
