"""Finding organisations and services: names without diacritics and with slips, places with fallback, paging."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from chassis.db import Database
from chassis.errors import Malformed, NotFound
from chassis.identity import Caller
from chassis.keyed_ids import id_of_key
from chassis.problems import BadQuery
from chassis.requests import Call, Outcome
from chassis.schema import Shape
from chassis.settings import Settings
from services.directory import schemas, usecases
from services.directory.rules import words
from tests.support.databases import Databases

PROGRAMME = "lt-kavkc-behaviour-change"


@pytest.fixture(scope="module")
def db(settings: Settings, databases: Databases) -> Iterator[Database]:
    own = Databases(settings, databases.worker)
    at = own.fresh("directory")
    database = Database(at, "directory")
    usecases.import_demo(database)
    yield database
    database.close()
    own.drop()


@pytest.fixture
def own_db(service_database: Callable[..., Settings]) -> Iterator[Database]:
    """For what changes something."""
    database = Database(service_database("directory"), "directory")
    usecases.import_demo(database)
    yield database
    database.close()


def call(query: dict[str, Any] | None = None, **path: str) -> Call:
    return Call(route="GET /directory", operation="directory.read", query=query or {}, path=path)


def organisations(db: Database, **query: Any) -> list[str]:
    outcome = usecases.organisations(db, call(schemas.OrganisationQuery().load(query)))
    return [row["key"] for row in dumped(outcome, schemas.OrganisationView())]


def services(db: Database, **query: Any) -> list[str]:
    return [row["key"] for row in listed(db, **query)]


def listed(db: Database, **query: Any) -> list[dict[str, Any]]:
    outcome = usecases.services(db, call(schemas.ServiceQuery().load(query)))
    return dumped(outcome, schemas.ServiceView())


def dumped(outcome: Outcome, schema: Any) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = schema.dump(outcome.value["items"], many=True)
    return shown


@pytest.mark.parametrize(
    ("search", "first"),
    [
        ("vyrų krizių", "lt-kavkc"),
        ("VYRU KRIZIU", "lt-kavkc"),
        ("Klaipeda County", "lt-kapvc"),
        ("Miesakit", "fi-miessakit"),
        ("vaestoliito", "fi-vaestoliitto"),
        ("man", "se-man"),
        ("lietuvos policja", "lt-police"),
        ("tēvi", "lv-tevi"),
        ("crisis Kaunas", "lt-kavkc"),
        ("  Kriziu\tCENTRAS ", "lt-kavkc"),
        (unicodedata.normalize("NFD", "vyrų krizių"), "lt-kavkc"),
    ],
)
def test_search_forgives_diacritics_case_order_and_slips(db: Database, search: str, first: str) -> None:
    assert first in organisations(db, search=search)[:3]


def test_folding_knows_other_letters(db: Database) -> None:
    with db.view() as work:
        assert work.one("SELECT folded('МУЖСКОЙ Ülle ŠÕÅØ') AS one") == {"one": "мужской ulle soao"}


@pytest.mark.parametrize("search", ["xyzzy", "%", "_", "\\", "'; DROP TABLE organisation; --", "(.*)", "\\d+"])
def test_search_takes_no_pattern(db: Database, search: str) -> None:
    assert organisations(db, search=search) == []


def test_organisations_by_country_and_kind(db: Database) -> None:
    assert organisations(db, country="IS") == ["is-ms"]
    assert organisations(db, kind="crisis_centre") == ["lt-kapvc", "lt-kavkc", "se-manscentrum"]
    assert organisations(db, kind="behaviour_change") == ["fi-miessakit", "lt-kavkc"]
    assert organisations(db, country="LT", municipality="Tromsø") == ["lt-kapvc"]  # the whole country's own


def test_a_place_is_the_municipality_first_then_a_licence_there_then_the_country(db: Database) -> None:
    kaunas = listed(db, municipality="LT:Kaunas")
    assert [(row["key"], row["fit"]) for row in kaunas] == [
        (PROGRAMME, "municipality"),
        ("lt-kapvc-consultations", "country"),
        ("lt-nelik-vienas", "country"),
    ]
    siauliai = [(row["key"], row["fit"]) for row in listed(db, municipality="LT:Šiauliai")]
    assert siauliai[0] == (PROGRAMME, "licence")
    assert [(row["key"], row["fit"]) for row in listed(db, municipality="siauliai")] == siauliai
    assert services(db, municipality="LT:Alytus") == ["lt-kapvc-consultations", "lt-nelik-vienas"]
    assert services(db, municipality="Raseiniai", kind="behaviour_change", language="lt") == [PROGRAMME]


def test_a_place_that_nobody_knows_asks_for_its_country(db: Database) -> None:
    with pytest.raises(BadQuery) as refused:
        services(db, municipality="Niekurija")
    assert refused.value.fields[0].pointer == "/municipality"
    with pytest.raises(BadQuery):
        services(db, municipality="LT:Alytus", country="FI")


def test_an_unknown_language_filters_nothing_out(db: Database) -> None:
    assert len(services(db, language="fi")) == 8
    assert "fi-lyomaton-linja" in services(db, language="sv")
    assert "lt-nelik-vienas" not in services(db, language="sv")


def test_services_by_organisation_and_accepting(db: Database) -> None:
    own = services(db, organisation="lt-kapvc")
    assert own == ["lt-kapvc-consultations", "lt-nelik-vienas"]
    key_and_id = usecases.organisation(db, call(organisation="lt-kapvc")).value["id"]
    assert services(db, organisation=str(key_and_id)) == own
    assert services(db, accepting="closed") == ["fi-poikien-puhelin"]
    assert services(db, search="support renouncing violence") == ["ee-violence-line"]
    assert services(db, search="Kauno programa") == [PROGRAMME]


def test_one_of_each_by_key_and_by_id(db: Database) -> None:
    one = usecases.service(db, call(service=PROGRAMME))
    shown = schemas.ServiceView().dump(one.value)
    assert (one.version, shown["name"], shown["accepting"]) == (1, "Violent behaviour change programme", "open")
    assert shown["names"]["lt"] == "Smurtinio elgesio keitimo programa"
    assert shown["organisation"]["key"] == "lt-kavkc"
    assert usecases.service(db, call(service=str(one.value["id"]))).value == one.value
    unit = schemas.OrganisationDetail().dump(usecases.organisation(db, call(organisation="no-unn-dftu")).value)
    assert (unit["parent"]["key"], unit["fit"]) == ("no-unn", None)
    helped = schemas.ServiceView().dump(usecases.service(db, call(service="lt-nelik-vienas")).value)
    assert ([party["key"] for party in helped["partners"]], helped["from"]) == (["lt-kspc"], "2021")


def test_an_organisation_with_all_that_hangs_on_it_for_whom_it_is(own_db: Database) -> None:
    db = own_db
    told = {
        "key": "lt-kavkc", "type": "crisis_centre", "country": "LT", "names": {"en": "Centre"},
        "phones": [{"number": "+37037000001"}], "email": "desk@centre.example", "website": "https://centre.example",
        "descriptions": {"lt": "Padedame."}, "visibility": {"contacts": "partners"},
    }  # fmt: skip
    assert usecases.import_organisations(db, {"organisations": [told]}, dry_run=False, actor="test").ok
    police = Caller("user:1", id_of_key("organisation", "lt-police"), "lt-police", frozenset({"intake_worker"}), "t")
    seen = {}
    for name, caller in (("nobody", None), ("police", police)):
        asked = replace(call(organisation="lt-kavkc"), caller=caller)
        seen[name] = schemas.OrganisationDetail().dump(usecases.organisation(db, asked).value)
    for shown in seen.values():
        assert (shown["website"], shown["descriptions"], shown["grade"]) == (told["website"], told["descriptions"], "D")
        assert PROGRAMME in shown["services"]
    assert (seen["nobody"]["phones"], seen["nobody"]["email"]) == ([], None)
    assert (seen["police"]["phones"], seen["police"]["email"]) == (told["phones"], told["email"])
    parent = schemas.OrganisationDetail().dump(usecases.organisation(db, call(organisation="no-unn")).value)
    assert parent["units"] == ["no-unn-dftu"]


def test_code_lists_have_labels_in_eight_languages(db: Database) -> None:
    lists = {row["list"]: row["codes"] for row in dumped_all(usecases.codes(db, call()), schemas.CodeList())}
    assert {"kind", "need", "organisation_type", "urgency", "accepting"} <= set(lists)
    assert all(set(code["names"]) == set(words.LANGUAGES) for codes in lists.values() for code in codes)


def dumped_all(outcome: Outcome, shape: Shape) -> list[dict[str, Any]]:
    return [shape.dump(row) for row in outcome.value["items"]]


@pytest.mark.parametrize("reference", ["lt-nobody", "LT-KAVKC", str(uuid.UUID(int=7)), "0", "%"])
def test_what_is_not_there(db: Database, reference: str) -> None:
    with pytest.raises(NotFound):
        usecases.organisation(db, call(organisation=reference))
    with pytest.raises(NotFound):
        usecases.service(db, call(service=reference))


@pytest.mark.parametrize("filters", [{}, {"search": "lt"}, {"country": "LT"}, {"municipality": "LT:Kaunas"}])
def test_pages_are_the_whole_list_in_pieces(db: Database, filters: dict[str, str]) -> None:
    whole = organisations(db, limit=200, **filters)
    pieces: list[str] = []
    cursor = None
    while True:
        query = schemas.OrganisationQuery().load({"limit": 4, **filters, **({"cursor": cursor} if cursor else {})})
        page = usecases.organisations(db, call(query)).value
        pieces += [row["key"] for row in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert pieces == whole
    assert len(set(whole)) == len(whole)


@pytest.mark.parametrize("cursor", ["x", "bnVsbA", "WzEsMl0", "WzEsIlx1MDAwMCJd", "Wy0xLCJhIl0", "é"])
def test_a_foreign_cursor_is_refused(db: Database, cursor: str) -> None:
    with pytest.raises(Malformed):
        organisations(db, cursor=cursor)


def test_the_network_is_shown_as_the_file_has_it(db: Database) -> None:
    shown = schemas.NetworkView().dump(usecases.network(db, call()).value)
    assert {name: len(rows) for name, rows in shown.items()} == {
        "about": 1, "memberships": 4, "initiatives": 7, "indicators": 9, "licences": 1, "network_facts": 1,
    }  # fmt: skip
    kinds = [activity["kind"] for each in shown["initiatives"] for activity in each["activities"]]
    assert kinds == ["study_visit", "seminar", "conference"]
    parties = {each["key"]: each["parties"] for each in shown["initiatives"]}
    assert {"role": "partner", "organisation": "lt-kavkc"} in parties["nordic-baltic-mcc"]
    assert parties["bilateral-tromso"][1] == {"role": "visited", "organisation": "no-fountain-house"}
    assert shown["licences"][0]["in"][0] == "LT:Šiauliai"
    assert shown["memberships"][0]["in"]
