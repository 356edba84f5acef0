"""What an event may hold: the committed schemas are closed, of known kinds, and have no field about a person."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from chassis import contracts, kinds
from chassis.contracts import fault_of
from chassis.envelope import EventType, schema_id
from chassis.kinds import Kind, schema_of
from deploy import catalogue, examples, generate
from tests.support.events import FILES, FORMATS, committed

ROOT = Path(__file__).parents[2]
TYPES = catalogue.event_types()
SCHEMAS = committed()
PUBLIC = {"organisation", "service"}
"""Nouns whose names stand on public pages; a person has none of them."""
PERSONAL = {
    "address", "age", "birth", "birthday", "birthdate", "born", "city", "comment", "contact", "description",
    "diagnosis", "email", "family", "firstname", "free", "gender", "health", "id_number", "initials",
    "lastname", "mail", "man", "message", "mobile", "name", "names", "nationality", "note", "notes", "offence",
    "person", "phone", "photo", "postcode", "pseudonym", "remark", "sex", "ssn", "street", "summary", "surname",
    "telephone", "text", "title", "victim",
}  # fmt: skip
Schema = dict[str, Any]


def faults(schema: Schema) -> list[str]:
    """Why such a schema cannot be the one of an event; empty when it can."""
    found = [] if schema.get("additionalProperties") is False else ["additionalProperties is not false"]
    noun = schema["$id"].split(":")[3].partition(".")[0]
    for name, rule in schema["properties"].items():
        kind = next((kind for kind in Kind if rule == schema_of(kind)), None)
        if kind is None:
            found.append(f"{name}: none of the closed kinds")
        elif kind is Kind.PUBLIC_NAMES and noun not in PUBLIC:
            found.append(f"{name}: public names of a {noun}")
        elif kind is not Kind.PUBLIC_NAMES and PERSONAL & {name, *name.split("_")}:
            found.append(f"{name}: named like something about a person")
    return found


def planted(field: str, rule: Schema, **other: Any) -> Schema:
    """The schema of a referral event with one more field."""
    schema = SCHEMAS[schema_id("referral.sent", 1)]
    return {**schema, "properties": {**schema["properties"], field: rule}, **other}


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS.keys())
def test_no_event_has_a_field_of_free_text_or_about_a_person(schema: Schema) -> None:
    assert faults(schema) == []


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        (planted("remark_code", {"type": "string"}), "remark_code: none of the closed kinds"),
        (planted("detail", {"type": "string", "maxLength": 64, "x-kind": "code"}), "detail: none of the closed kinds"),
        (planted("detail", {}), "detail: none of the closed kinds"),
        (planted("names", schema_of(Kind.PUBLIC_NAMES)), "names: public names of a referral"),
        *((planted(each, schema_of(kind)), f"{each}: named like something about a person") for each, kind in (
            ("name", Kind.CODE), ("person_name", Kind.CODES), ("email", Kind.CODE), ("contact_phone", Kind.CODE),
            ("address", Kind.CODE), ("birth_date", Kind.DATE), ("note", Kind.CODE), ("age", Kind.INTEGER),
        )),
        (planted("state", schema_of(Kind.CODE), additionalProperties=True), "additionalProperties is not false"),
    ],
)  # fmt: skip
def test_a_schema_that_could_tell_of_a_person_is_refused(schema: Schema, fault: str) -> None:
    assert faults(schema) == [fault]


def test_there_is_a_kind_for_nothing_else() -> None:
    assert {kind.value for kind in Kind} == {
        "id", "code", "time", "date", "integer", "boolean", "codes", "ids", "country", "zone", "areas",
        "public_names",
    }  # fmt: skip
    free = ["Jonas", "He called twice.", "+370 600 00000", "jonas@example.org", "1985-02-03 ", "", "Vilnius"]
    for kind in set(Kind) - {Kind.PUBLIC_NAMES}:
        for text in free:
            for value in (text, [text]):
                with pytest.raises(ValueError, match="the value is no"):
                    kinds.read_value("field", kind, value)
                assert not Draft202012Validator(schema_of(kind), format_checker=FORMATS).is_valid(value), (kind, value)


def test_each_type_has_its_file_beside_its_publisher_and_each_file_its_type() -> None:
    found = {path.relative_to(ROOT).as_posix() for pattern in FILES for path in ROOT.glob(pattern)}
    assert found == {catalogue.schema_path(kind) for kind in TYPES}
    assert set(SCHEMAS) == {schema_id(kind.name, kind.version) for kind in TYPES}


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_each_file_is_a_json_schema_of_what_the_code_says(kind: EventType) -> None:
    schema = SCHEMAS[schema_id(kind.name, kind.version)]
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    assert schema == kind.json_schema()
    contract = contracts.contracts()[kind.name, kind.version]
    assert dict(contract.kinds) == dict(kind.data)
    assert contract.required == set(kind.data) - kind.optional


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_the_consumers_check_and_the_schema_agree(kind: EventType) -> None:
    judge = Draft202012Validator(SCHEMAS[schema_id(kind.name, kind.version)], format_checker=FORMATS)
    data = examples.data_of(kind)
    assert judge.is_valid(data)
    assert fault_of(kind.name, kind.version, data) is None
    for field in data:
        without = {name: value for name, value in data.items() if name != field}
        expected = None if field in kind.optional else contracts.WRONG_DATA
        assert fault_of(kind.name, kind.version, without) == expected
        assert judge.is_valid(without) == (expected is None)
        for wrong in (None, 1.5, "Free text.", ["Free text."], {"lt": 1}, [1]):
            assert fault_of(kind.name, kind.version, {**data, field: wrong}) == contracts.WRONG_DATA, (field, wrong)
            assert not judge.is_valid({**data, field: wrong}), (field, wrong)


def test_a_consumer_passes_over_a_field_of_a_newer_publisher() -> None:
    (kind,) = (each for each in TYPES if each.name == "referral.sent")
    assert fault_of(kind.name, 1, {**examples.data_of(kind), "added_later": "anything"}) is None


@pytest.mark.parametrize(("name", "version"), [("referral.sent", 2), ("referral.lost", 1), ("x.y", 1), ("", 0)])
def test_an_unknown_type_or_version_has_no_contract(name: str, version: int) -> None:
    assert fault_of(name, version, {}) == contracts.UNKNOWN_TYPE


def test_a_schema_that_is_left_over_or_missing_is_found(tmp_path: Path) -> None:
    wanted = {"chassis/events/a.b.v1.json": b"{}"}
    (tmp_path / "chassis" / "events").mkdir(parents=True)
    (tmp_path / "chassis" / "events" / "gone.by.v1.json").write_bytes(b"{}")
    assert generate._stale(tmp_path, wanted, write=False) == ["chassis/events/a.b.v1.json"]
    assert generate._left_over(tmp_path, wanted, write=False) == ["chassis/events/gone.by.v1.json"]
    generate._stale(tmp_path, wanted, write=True)
    generate._left_over(tmp_path, wanted, write=True)
    steps: list[Callable[..., list[str]]] = [generate._stale, generate._left_over]
    assert [step(tmp_path, wanted, write=False) for step in steps] == [[], []]


def test_an_installed_package_has_every_schema() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (patterns,) = re.findall(r'^\[tool\.setuptools\.package-data\]\n(?:#.*\n)*"\*" = (\[.*\])$', text, re.MULTILINE)
    assert '"*.json"' in patterns
    assert '"*.sql"' in patterns
