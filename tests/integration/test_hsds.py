"""The directory as HSDS 3.0 on a real database, against the official schemas made strict: the demo, 2,000 services."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import orjson
import psycopg
import pytest

from chassis.db import Database
from chassis.errors import NotFound
from chassis.keyed_ids import id_of_key
from chassis.problems import BadQuery
from chassis.requests import Call
from chassis.settings import Settings
from services.directory import usecases
from services.directory.rules import hsds as rules
from services.directory.schemas import hsds as schemas
from services.directory.usecases import hsds
from tests.support.databases import root_url
from tests.support.hsds import PAGE_KEYS, faults

CENTRE = id_of_key("organisation", "lt-kavkc")
LINE = id_of_key("service", "lt-nelik-vienas")
QUERIES = {
    "services": schemas.ServicesQuery,
    "organizations": schemas.OrganizationsQuery,
    "service_at_locations": schemas.ServiceAtLocationsQuery,
    "taxonomies": schemas.PageQuery,
    "taxonomy_terms": schemas.TermsQuery,
}
WITHOUT_ROWS = {"taxonomies", "taxonomy"}


@pytest.fixture
def db(service_database: Callable[..., Settings]) -> Iterator[Database]:
    with closing(Database(service_database("directory"), "directory")) as database:
        usecases.import_demo(database)
        yield database


def ask(db: Database, name: str, *, path: dict[str, Any] | None = None, **query: str) -> Any:
    """The object of an answer."""
    shape = QUERIES.get(name) or (schemas.OrganizationQuery if name == "organization" else None)
    call = Call(route=name, operation="-", caller=None, query=shape().load(query) if shape else {}, path=path or {})
    made = getattr(hsds, name)(call) if name in WITHOUT_ROWS else getattr(hsds, name)(db, call)
    assert made.headers == {"Cache-Control": "public, max-age=60", "Access-Control-Allow-Origin": "*"}
    return orjson.loads(made.value)


def every(db: Database, name: str, **query: str) -> list[dict[str, Any]]:
    """All objects of a list, page by page; each page has every key and nothing else."""
    found, number = [], 1
    while True:
        page = ask(db, name, page=str(number), **query)
        assert set(page) == PAGE_KEYS
        assert (page["page_number"], page["size"], page["empty"]) == (
            number,
            len(page["contents"]),
            not page["contents"],
        )
        assert page["first_page"] == (number == 1)
        assert page["last_page"] == (number >= page["total_pages"])
        found += page["contents"]
        if page["last_page"]:
            assert len(found) == page["total_items"]
            return found
        number += 1


@pytest.mark.parametrize(("name", "many"), [("service", 11), ("organization", 45)])
def test_the_demo_is_valid_to_the_letter_in_lists_and_alone(db: Database, name: str, many: int) -> None:
    items = every(db, f"{name}s")
    assert len(items) == many
    for item in items:
        whole = ask(db, name, path={"id": uuid.UUID(item["id"])})
        assert faults(f"{name}_list", item) + faults(name, whole) == []
        assert {key: whole[key] for key in item} == item


def test_full_and_minimal_are_valid_and_taxonomies_too(db: Database) -> None:
    for item in every(db, "services", full="true") + every(db, "services", minimal="true"):
        assert faults("service", item) == []
    for item in every(db, "organizations", full="true") + every(db, "organizations", full_service="true"):
        assert faults("organization", item) == []
    assert {len(each["services"]) for each in every(db, "organizations", full_service="true")} > {0, 1}
    for name, kind in (("taxonomies", "taxonomy"), ("taxonomy_terms", "taxonomy_term")):
        for item in every(db, name):
            assert faults(kind, item) == []
            assert ask(db, kind, path={"id": uuid.UUID(item["id"])}) == item


def test_the_strict_judge_finds_what_is_wrong(db: Database) -> None:
    """The negative control: a field too many, one missing, a wrong form."""
    whole = ask(db, "service", path={"id": LINE})
    assert faults("service", {**whole, "accepting": "open"})
    assert faults("service", {**whole, "attributes": [{**whole["attributes"][0], "colour": "red"}]})
    assert faults("service", {name: value for name, value in whole.items() if name != "status"})
    assert faults("service", {**whole, "id": "lt-nelik-vienas"})


def test_what_hsds_has_no_object_for_stands_in_attributes(db: Database) -> None:
    whole = ask(db, "service", path={"id": LINE})
    assert {(each["link_type"], each["value"]) for each in whole["attributes"]} >= {
        ("service-kind", "helpline"), ("channel", "phone"), ("channel", "chat"),
    }  # fmt: skip
    assert [each["name"] for each in whole["service_areas"]] == ["Lithuania"]
    assert [(each["code"], each["name"]) for each in whole["languages"]] == [("lt", "Lithuanian")]
    licensed = ask(db, "service", path={"id": id_of_key("service", "lt-kavkc-behaviour-change")})
    areas = {each["name"]: each.get("description") for each in licensed["service_areas"]}
    assert areas["Kaunas, Lithuania"] is None
    assert "licence" in areas["Raseiniai, Lithuania"]
    assert {each["updated_by"] for each in whole["metadata"]} == {"import"}


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ({"search": "nelik"}, {"lt-nelik-vienas"}),
        ({"search": "SIAULIAI"}, set()),
        ({"organization_id": str(id_of_key("organization", "none"))}, set()),
        ({"taxonomy_term_id": str(rules.term_id("service-kind", "peer_group"))}, {"fi-miesryhmat"}),
        ({"taxonomy_term_id": str(rules.term_id("channel", "chat"))}, {"lt-nelik-vienas"}),
        ({"taxonomy_term_id": str(rules.term_id("organisation-type", "police"))}, set()),
        ({"taxonomy_term_id": str(uuid.UUID(int=7))}, set()),
        ({"taxonomy_id": str(uuid.UUID(int=7))}, set()),
        ({"modified_after": "2100-01-01"}, set()),
        (
            {"search": "line", "taxonomy_term_id": str(rules.term_id("service-kind", "helpline"))},
            {"lt-nelik-vienas", "ee-violence-line", "fi-poikien-puhelin"},
        ),
    ],
)
def test_every_filter_leaves_what_it_says_and_filters_hold_together(
    db: Database, query: dict[str, str], keys: set[str]
) -> None:
    found = {each["id"] for each in every(db, "services", **query)}
    wanted = {str(id_of_key("service", key)) for key in keys}
    assert found == wanted


def test_filters_that_leave_everything_leave_everything(db: Database) -> None:
    everything = every(db, "services")
    for query in ({"modified_after": "2000-01-01T00:00:00Z"}, {"taxonomy_id": str(rules.taxonomy_id("service-kind"))}):
        assert every(db, "services", **query) == everything
    his = every(db, "services", organization_id=str(CENTRE))
    assert [each["organization_id"] for each in his] == [str(CENTRE)]


def test_page_two_is_the_second_page_and_one_beyond_the_last_is_empty(db: Database) -> None:
    everything = every(db, "services", per_page="4")
    second = ask(db, "services", page="2", per_page="4")
    assert second["contents"] == everything[4:8]
    assert (second["first_page"], second["last_page"], second["total_pages"]) == (False, False, 3)
    beyond = ask(db, "services", page="9", per_page="4")
    assert (beyond["total_items"], beyond["size"], beyond["empty"], beyond["last_page"]) == (11, 0, True, True)


@pytest.mark.parametrize("name", ["service", "organization", "service_at_location", "taxonomy", "taxonomy_term"])
def test_an_id_that_nobody_has_is_not_found(db: Database, name: str) -> None:
    with pytest.raises(NotFound):
        ask(db, name, path={"id": uuid.uuid4()})


def test_a_suspended_organisation_is_out_with_its_services(service_database: Callable[..., Settings]) -> None:
    at = service_database("directory")
    with closing(Database(at, "directory")) as database:
        usecases.import_demo(database)
        with psycopg.connect(root_url(at, "directory")) as connection:
            connection.execute("UPDATE organisation SET status = 'suspended' WHERE key = 'lt-kavkc'")
        assert every(database, "services", organization_id=str(CENTRE)) == []
        assert str(CENTRE) not in {each["id"] for each in every(database, "organizations")}
        for name, wanted in (
            ("organization", CENTRE),
            ("service", id_of_key("service", "lt-kavkc-behaviour-change")),
        ):
            with pytest.raises(NotFound):
                ask(database, name, path={"id": wanted})


def test_two_thousand_services_are_valid_and_each_is_on_one_page(service_database: Callable[..., Settings]) -> None:
    at = service_database("directory")
    with closing(Database(at, "directory")) as database:
        report = usecases.import_organisations(database, generated(300, 2000), dry_run=False, actor="import:file")
        assert report.errors == ()
        found = every(database, "services", per_page="1000", full="true")
        assert len({each["id"] for each in found}) == 2000
        assert [fault for each in found for fault in faults("service", each)] == []
        lists = every(database, "services", per_page="1000")
        assert [fault for each in lists for fault in faults("service_list", each)] == []
        owners = every(database, "organizations", per_page="1000", full_service="true")
        assert sum(len(each["services"]) for each in owners) == 2000
        assert sum(len(each["locations"]) for each in owners) == 300
        at_places = every(database, "service_at_locations", per_page="1000", full="true")
        assert len(at_places) == sum(len(each["service_at_locations"]) for each in found) == 334
        assert [fault for each in at_places for fault in faults("service_at_location", each)] == []
        short = every(database, "service_at_locations", per_page="1000")
        assert [fault for each in short for fault in faults("service_at_location_list", each)] == []
        hidden_or_told(found, owners)
        assert [fault for each in owners for fault in faults("organization", each)] == []


def hidden_or_told(services: list[dict[str, Any]], owners: list[dict[str, Any]]) -> None:
    """What is for fewer is in no object, and what is for all is there."""
    of = {each["id"]: each for each in services}
    partners = of[str(id_of_key("service", "lt-made-service-10"))]
    assert (partners["phones"], partners["contacts"], partners.get("email")) == ([], [], None)
    assert "+3703700000" not in str(partners)
    told = of[str(id_of_key("service", "lt-made-service-5"))]
    assert [each["number"] for each in told["phones"]] == ["+37037000002"]
    assert {(each["link_type"], each["value"]) for each in told["attributes"]} >= {
        ("need", "housing"), ("gender", "men"), ("order-accepted", "yes"), ("may-refer", "police"),
        ("legal-basis", "consent"), ("urgency", "urgent"),
    }  # fmt: skip
    places = {each["external_identifier"]: each for owner in owners for each in owner["locations"]}
    withheld = places["lt-made-place-4"]
    assert (withheld["addresses"], withheld["phones"], "latitude" in withheld) == ([], [], False)
    assert [each["value"] for each in withheld["attributes"]] == ["safety_of_residents"]
    named = places["lt-made-place-1"]
    assert (named["addresses"], named.get("latitude"), named.get("transportation")) == ([], None, None)
    assert "Liep" not in str(named)
    assert places["lt-made-place-5"]["addresses"][0]["address_1"] == "Liepų g. 1"


def test_services_around_a_postcode(db: Database) -> None:
    given = generated(40, 240)
    given["locations"][5] |= {"postal_code": "LT-1"}
    given["locations"][13] |= {"postal_code": "LT-2"}  # eight thousandths of a degree north of it: 890 metres
    assert usecases.import_organisations(db, given, dry_run=False, actor="import:file").ok

    def keys(**query: str) -> set[str]:
        found = every(db, "service_at_locations", **query)
        return {each["location"]["external_identifier"] for each in found}

    assert keys(postcode="LT-1") == set()  # no service is given there: n % 6 meets n % 40 at even places only
    given["services"][1] |= {"locations": ["lt-made-place-5", "lt-made-place-13"]}
    assert usecases.import_organisations(db, given, dry_run=False, actor="import:file").ok
    assert keys(postcode="LT-1") == {"lt-made-place-5"}
    assert keys(postcode="LT-1", proximity="800") == {"lt-made-place-5"}
    assert keys(postcode="LT-1", proximity="900") == {"lt-made-place-5", "lt-made-place-13"}
    assert keys(postcode="LT-3") == set()
    pair = next(each for each in every(db, "service_at_locations", postcode="LT-1"))
    whole = ask(db, "service_at_location", path={"id": uuid.UUID(pair["id"])})
    assert faults("service_at_location", whole) == []
    with pytest.raises(BadQuery):
        ask(db, "service_at_locations", proximity="800")


def generated(organisations: int, services: int) -> dict[str, Any]:
    """A file of invented organisations and services with all kinds of gaps."""
    languages, kinds = ("lt", "lv", "et", "fi", "sv", "nb", "ru", "en"), ("peer_group", "helpline", "consultation")
    made = [
        {
            "key": f"lt-made-{n}", "type": "ngo" if n % 3 else "crisis_centre",
            "names": {languages[n % 8]: f"Namas {n}"},
            **({"country": "LT", "seat": f"Miestas {n}"} if n % 2 else {}), **({"founded": "2001-05"} if n % 5 else {}),
            **({"parent": f"lt-made-{n - 1}"} if n and n % 7 == 0 else {}),
        }
        for n in range(organisations)
    ]  # fmt: skip
    offered = [
        {
            "key": f"lt-made-service-{n}", "organisation": f"lt-made-{n % organisations}", "kind": kinds[n % 3],
            "names": {languages[n % 8]: f"Paslauga {n}", "en": f"Service {n}"},
            **({"coverage": ["LT", f"LT:Miestas {n % 60}"]} if n % 4 else {}),
            **({"languages": [languages[n % 8]]} if n % 3 else {}), **({"channels": ["phone"]} if n % 2 else {}),
            **({"about": "Ąžuolas & <b>co</b>"} if n % 2 else {}), **({"status": "withdrawn"} if n % 11 == 0 else {}),
            **({"locations": [f"lt-made-place-{n % organisations}"]} if n % 6 == 0 else {}),
            **(PARTS if n % 5 == 0 else {}), **({"visibility": {"contacts": "partners"}} if n % 10 == 0 else {}),
        }
        for n in range(services)
    ]  # fmt: skip
    places = [
        {
            "key": f"lt-made-place-{n}", "organisation": f"lt-made-{n}", "country": "LT", "county": "Kauno",
            **({"withheld": "safety_of_residents"} if n % 4 == 0 else ADDRESS),
            **({"latitude": 54 + n / 1000, "longitude": 24.5, "schedules": HOURS} if n % 4 == 1 else {}),
            **({"visibility": {"address": ["lt-made-0"]}} if n % 8 == 1 else {}),
        }
        for n in range(organisations)
    ]  # fmt: skip
    made[1] |= {"identifiers": [{"type": "register", "identifier": "12345"}], "funding": ["Fondas"], **CONTACTS}
    made[1] |= {"programs": [{"key": "made-program", "names": {"lt": "Programa"}}], "website": "https://example.org"}
    offered[1] |= {"program": "made-program", "descriptions": {"lt": "Apie"}, "alert": "Vasarą uždaryta"}
    return {"organisations": made, "locations": places, "services": offered}


ADDRESS = {
    "address_1": "Liepų g. 1", "city": "Kaunas", "municipality": "Kaunas", "postal_code": "LT-44001",
    "names": {"lt": "Namai", "en": "House"}, "transport": {"lt": "Autobusas 5"}, "accessibility": ["Be laiptų"],
    "languages": ["lt"], "phones": [{"number": "+37037000001", "languages": ["lt"], "about": "Budi"}],
}  # fmt: skip
HOURS = [
    {"days": ["MO", "TU"], "opens": "08:00", "closes": "16:00"},
    {"days": ["FR"], "closed": True, "from": "2026-12-24", "to": "2026-12-26"},
]
CONTACTS = {
    "email": "info@example.org",
    "phones": [{"number": "+37037000002", "extension": 12, "kind": "voice"}],
    "contacts": [{"title": "Budintis", "department": "Linija", "phones": [{"number": "+37037000003"}]}],
}
PARTS: dict[str, Any] = {
    **CONTACTS, "schedules": HOURS, "costs": [{"option": "Kartas", "amount": 12.5, "currency": "EUR"}],
    "documents": ["Siuntimas"], "funding": ["Savivaldybė"], "url": "https://example.org/help", "needs": ["housing"],
    "eligibility": {"min_age": 18, "gender": "men", "order_accepted": True, "about": "Vyrams"},
    "referral": {"who_may_refer": ["police"], "legal_bases": ["consent"], "documents": ["Sutikimas"]},
    "urgencies": ["urgent"],
}  # fmt: skip
