"""What a directory file may hold, and what its rows mean for the directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.directory.rules import codes, difference
from services.directory.rules.fields import AREA, COUNTRY, KEY, NAMES, PARTIAL_DATE
from services.directory.rules.sections import BY_NAME, SECTIONS
from tests.support import directory

OWN = Path(__file__).parent.parent.parent / "services" / "directory"
NOBODY: dict[str, frozenset[str]] = {}
ORGANISATION = {"key": "lt-one", "type": "ngo", "country": "LT", "names": {"lt": "Viena"}}
SERVICE = {"key": "lt-one-help", "organisation": "lt-one", "kind": "helpline", "names": {"lt": "Pagalba"}}


def network() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((OWN / "organisations.json").read_text(encoding="utf-8"))
    return read


def faults(**sections: Any) -> list[tuple[str, str, str]]:
    return [(e.section, e.row, e.field) for e in directory.read(sections, NOBODY).errors]


def test_the_network_of_the_project_is_valid_and_every_row_is_read() -> None:
    read = directory.read(network(), NOBODY)
    assert read.errors == ()
    assert read.notes == ()
    assert {name: len(rows) for name, rows in read.rows.items()} == {
        section.name: len(network().get(section.name, [])) for section in SECTIONS
    }


def test_the_projects_copy_is_the_shared_file(shared: Path) -> None:
    theirs = shared / "data" / "network" / "organisations.json"
    assert (OWN / "organisations.json").read_bytes() == theirs.read_bytes()


def test_the_demo_says_that_it_is_invented_and_names_services_of_the_network() -> None:
    demo = json.loads((OWN / "demo.json").read_text(encoding="utf-8"))
    assert "INVENTED" in demo["about"]
    assert set(demo["services"]) <= {row["key"] for row in network()["services"]}
    assert demo["services"]["lt-kavkc-behaviour-change"]["accepting"] == "open"
    assert "closed" in {said["accepting"] for said in demo["services"].values()}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"key": "LT-One"}, "key"),
        ({"key": "a" * 65}, "key"),
        ({"key": None}, "key"),
        ({"type": "Crisis centre"}, "type"),
        ({"country": "XX"}, "country"),
        ({"country": "lt"}, "country"),
        ({"names": {}}, "names"),
        ({"names": {"lithuanian language": "x"}}, "names"),
        ({"names": {"lt": " x"}}, "names"),
        ({"names": "Viena"}, "names"),
        ({"founded": "2022-13"}, "founded"),
        ({"founded": 2022}, "founded"),
        ({"parent": "lt-nobody"}, "parent"),
        ({"parent": "lt-one"}, "parent"),
        ({"status": "gone"}, "status"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_organisation_is_told_with_row_and_field(change: dict[str, Any], field: str) -> None:
    found = faults(organisations=[{**ORGANISATION, **change}])
    assert ("organisations", field) in [(section, name) for section, _, name in found]
    assert found[0][1].startswith("[0]")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"organisation": "lt-two"}, "organisation"),
        ({"with": ["lt-two"]}, "with"),
        ({"with": ["lt-one"]}, "with"),
        ({"coverage": ["LT:"]}, "coverage"),
        ({"coverage": ["Kaunas"]}, "coverage"),
        ({"coverage": ["LT", "LT"]}, "coverage"),
        ({"languages": ["Lithuanian"]}, "languages"),
        ({"accepting": "maybe"}, "accepting"),
        ({"accepting_source": "organisation"}, "accepting_source"),
        ({"urgencies": ["soon"]}, "urgencies"),
        ({"channels": [["phone"]]}, "channels"),
    ],
)
def test_a_wrong_service_is_told_with_its_field(change: dict[str, Any], field: str) -> None:
    found = faults(organisations=[ORGANISATION], services=[{**SERVICE, **change}])
    assert [(section, name) for section, _, name in found] == [("services", field)]


def test_a_fault_shows_the_value_and_what_is_expected() -> None:
    (fault,) = directory.read({"organisations": [{**ORGANISATION, "country": "XX"}]}, NOBODY).errors
    assert (fault.row, fault.field, fault.value) == ("[0] lt-one", "country", '"XX"')
    assert "ISO 3166" in fault.expected
    assert "lt-one" in str(fault)


def test_shapes_repetitions_circles_and_orders_are_faults() -> None:
    assert faults(organisations={}) == [("organisations", "", "section")]
    assert faults(people=[]) == [("people", "", "section")]
    assert faults(organisations=["lt-one"]) == [("organisations", "[0]", "row")]
    assert faults(organisations=[ORGANISATION, ORGANISATION])[0][2] == "key"
    two = {**ORGANISATION, "key": "lt-two", "parent": "lt-one"}
    assert len(faults(organisations=[{**ORGANISATION, "parent": "lt-two"}, two])) == 2
    membership = {"organisation": "lt-one", "in": "lt-two", "from": "2022-10", "to": "2021"}
    found = faults(organisations=[ORGANISATION, {**ORGANISATION, "key": "lt-two"}], memberships=[membership])
    assert found == [("memberships", "[0]", "to")]


def test_a_row_may_refer_to_what_the_directory_has() -> None:
    known = {"organisations": frozenset({"lt-one"})}
    assert directory.read({"services": [SERVICE]}, known).errors == ()


def test_a_new_type_is_pointed_out_and_stops_nothing() -> None:
    read = directory.read({"organisations": [{**ORGANISATION, "type": "crisis_center"}]}, NOBODY)
    assert read.errors == ()
    assert "crisis_center" in read.notes[0]


def service_row(**given: Any) -> dict[str, Any]:
    sections = {"organisations": [ORGANISATION], "services": [{**SERVICE, **given}]}
    return directory.read(sections, NOBODY).rows["services"][0]


def test_a_service_without_a_word_on_accepting_is_unknown_and_by_nobody() -> None:
    first = difference.difference(BY_NAME["services"], None, service_row())
    assert (first.what, first.row["accepting"], first.row["accepting_source"]) == ("created", "unknown", "nobody")
    again = difference.difference(BY_NAME["services"], first.row, service_row())
    assert (again.what, again.before) == ("unchanged", {})


def test_a_file_without_a_word_on_accepting_keeps_what_the_directory_has() -> None:
    services = BY_NAME["services"]
    row = service_row(accepting="open", accepting_source="demo", urgencies=["urgent"])
    had = difference.difference(services, None, row).row
    assert difference.difference(services, had, service_row()).what == "unchanged"
    changed = difference.difference(services, had, service_row(accepting="closed"))
    assert changed.before == {"accepting": "open", "accepting_source": "demo"}
    assert changed.row["accepting_source"] == "page"


def test_the_organisations_own_word_is_never_overwritten() -> None:
    services = BY_NAME["services"]
    first = difference.difference(services, None, service_row()).row
    had = {**first, "accepting": "closed", "accepting_source": "organisation"}
    new = difference.difference(services, had, service_row(accepting="open", accepting_source="demo"))
    assert (new.what, new.row["accepting"]) == ("unchanged", "closed")


def test_names_fall_back() -> None:
    assert codes.fallback_name({"lt": "Viena", "en": "One"}) == "One"
    assert codes.fallback_name({"lt": "Viena", "en": "One"}, "lt") == "Viena"
    assert codes.fallback_name({"fi": "Yksi", "lt": "Viena"}) == "Viena"
    assert codes.fallback_name({"is": "Einn"}) == "Einn"


@pytest.mark.parametrize("good", ["2022", "2022-10", "2022-02-28", "2024-02-29"])
def test_dates_may_be_partial(good: str) -> None:
    assert PARTIAL_DATE.fits(good)


@pytest.mark.parametrize(
    "bad",
    ["", "22", "2022-1", "2022-00", "2023-02-29", "20221001", "2022-10-1", "\uff12\uff10\uff12\uff12", 2022, None],
)
def test_what_is_no_date(bad: object) -> None:
    assert not PARTIAL_DATE.fits(bad)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(JSON)
def test_no_value_breaks_a_form(value: object) -> None:
    for form in (KEY, COUNTRY, AREA, NAMES, PARTIAL_DATE, *(field.form for each in SECTIONS for field in each.fields)):
        assert form.fits(value) in {True, False}


NAMES_OF_SECTIONS = [*(each.name for each in SECTIONS), "about", "else"]


@given(st.dictionaries(st.sampled_from(NAMES_OF_SECTIONS), JSON | st.lists(JSON, max_size=3)))
def test_no_document_breaks_the_reading(given_document: dict[str, Any]) -> None:
    directory.read(given_document, NOBODY)


@given(st.dictionaries(st.sampled_from([f.name for each in SECTIONS for f in each.fields]), JSON))
def test_no_row_breaks_the_reading(row: dict[str, Any]) -> None:
    directory.read({each.name: [row, row] for each in SECTIONS}, NOBODY)
