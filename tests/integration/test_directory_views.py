"""Finding organisations and services: names without diacritics and with slips, places with fallback, paging."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from chassis.db import Database
from chassis.errors import Malformed, NotFound
from chassis.problems import BadQuery
from chassis.requests import Call, Outcome
from chassis.settings import Settings
from services.directory import schemas, usecases
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
    unit = schemas.OrganisationView().dump(usecases.organisation(db, call(organisation="no-unn-dftu")).value)
    assert (unit["parent"]["key"], unit["fit"]) == ("no-unn", None)
    helped = schemas.ServiceView().dump(usecases.service(db, call(service="lt-nelik-vienas")).value)
    assert ([party["key"] for party in helped["partners"]], helped["from"]) == (["lt-kspc"], "2021")


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
