"""What a new referral may hold: texts that can be read, years that have come, codes named once."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from chassis.schema import field_errors
from services.referrals.schemas import NEW_REFERRAL_EXAMPLE, NewReferral
from services.referrals.schemas.transitions import EXAMPLES, Acceptance


def faults(shape: Any, body: dict[str, Any]) -> set[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        shape().load(body)
    return {(error.pointer, error.code) for error in field_errors(caught.value, shape())}


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"reason": "   "}, "/reason", "text.blank"),
        ({"reason": "a\u202eb"}, "/reason", "text.control"),
        ({"reason": "a\x07b"}, "/reason", "text.control"),
        ({"person": {"name": " ", "birth_year": 1985}}, "/person/name", "text.blank"),
        ({"person": {"name": "A\nB", "birth_year": 1985}}, "/person/name", "text.control"),
        ({"person": {"name": "A", "birth_year": 2099}}, "/person/birth_year", "year.future"),
        ({"person": {"name": "A", "birth_year": 1899}}, "/person/birth_year", "range"),
        ({"needs": ["other", "other"]}, "/needs", "code.repeated"),
        ({"contact_via": None}, "/contact", "required"),
        ({"ordered": True}, "/order_reference", "required"),
        ({"service": None}, "/service", "required"),
        ({"contact": {"channel": "phone", "value": "12345", "safe": "yes"}}, "/contact/value", "phone"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_place(changes: dict[str, Any], pointer: str, code: str) -> None:
    assert faults(NewReferral, {**NEW_REFERRAL_EXAMPLE, **changes}) == {(pointer, code)}


def test_lines_and_letters_of_all_languages_are_fine() -> None:
    texts = {
        "reason": "Pirmas.\n\tAntras: ąčęėįšųūž, äöå, Привет, سلام",
        "person": {"name": "Žydrūnė Ö'Ä", "birth_year": 1990},
    }
    assert NewReferral().load({**NEW_REFERRAL_EXAMPLE, **texts})["reason"].startswith("Pirmas")


def test_a_next_step_lies_in_this_age() -> None:
    assert faults(Acceptance, {**EXAMPLES["accept"], "next_step_on": "0001-01-01"}) == {("/next_step_on", "range")}
