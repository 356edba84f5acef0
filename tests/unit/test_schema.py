"""Faults of a load point to the place they are at, whatever the fields are called, and bear the code of their kind."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError, fields, validate, validates_schema

from chassis.schema import Fault, Shape, field_errors


class Contact(Shape):
    key = fields.String(required=True)
    value = fields.String(required=True, validate=validate.Length(max=3))

    @validates_schema
    def two_are_one(self, given: dict[str, Any], **_: object) -> None:
        if given.get("key") == given.get("value"):
            raise ValidationError({"value": [Fault("contact.twice", "Say it once.")]})
        if given.get("key") == "none":
            raise ValidationError(Fault("contact.none", "Say something."))


class Card(Shape):
    contact = fields.Nested(Contact)
    others = fields.List(fields.Nested(Contact))
    more = fields.Nested(Contact, many=True)
    names = fields.Dict(keys=fields.String(validate=validate.Regexp("^[a-z]+$")), values=fields.String())
    by_name = fields.Dict(keys=fields.String(), values=fields.Nested(Contact))
    code = fields.String(data_key="the_code", validate=validate.Regexp(r"^[0-9]{4}\Z"))
    kinds = fields.List(fields.String(), validate=validate.ContainsOnly(["a", "b"]))


def faults_of(**given: object) -> set[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        Card().load(given)
    return {(fault.pointer, fault.code) for fault in field_errors(caught.value, Card())}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"contact": {"key": "a"}}, {("/contact/value", "required")}),
        ({"contact": {"value": 5}}, {("/contact/value", "type"), ("/contact/key", "required")}),
        ({"contact": {"key": "a", "value": "a"}}, {("/contact/value", "contact.twice")}),
        ({"contact": {"key": "none", "value": "a"}}, {("/contact", "contact.none")}),
        ({"contact": "x"}, {("/contact", "type")}),
        ({"others": [{"key": "a", "value": "b"}, {"key": "a"}]}, {("/others/1/value", "required")}),
        ({"more": [{"key": "a", "value": "long"}]}, {("/more/0/value", "length")}),
    ],
)
def test_fields_called_key_and_value_are_pointed_at(given: dict[str, Any], found: set[tuple[str, str]]) -> None:
    assert faults_of(**given) == found


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"names": {"lt": 5}}, {("/names/lt", "type")}),
        ({"names": {"LT": "x"}}, {("/names/LT", "pattern")}),
        ({"names": {"value": 5, "key": 6}}, {("/names/value", "type"), ("/names/key", "type")}),
        ({"by_name": {"value": {"key": "a"}}}, {("/by_name/value/value", "required")}),
        ({"by_name": {"x": 5}}, {("/by_name/x", "type")}),
    ],
)
def test_entries_of_a_dict_are_pointed_at_by_their_key(given: dict[str, Any], found: set[tuple[str, str]]) -> None:
    assert faults_of(**given) == found


def test_a_text_of_the_wrong_form_is_told_from_other_faults() -> None:
    assert faults_of(the_code="12") == {("/the_code", "pattern")}
    assert faults_of(kinds=["c"]) == {("/kinds", "choice")}
    assert faults_of(value=1, key=2) == {("/value", "unknown"), ("/key", "unknown")}
