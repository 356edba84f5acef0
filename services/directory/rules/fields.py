"""What the value of one field may be, each with the sentence that tells a person what is expected."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import phonenumbers

from services.directory.rules import codes

LARGEST_NUMBER = 2_147_483_647
MOST_ENTRIES = 1000
LONGEST_ADDRESS = 254
_EMAIL = re.compile(r"\A[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}\Z")
_CLOCK = re.compile(r"\A([01][0-9]|2[0-3]):[0-5][0-9]\Z|\A24:00\Z")
_MONTHS_LENGTH, _YEARS_LENGTH, _DAYS_LENGTH = 7, 4, 10


@dataclass(frozen=True, slots=True)
class Form:
    """A test of a value and what a person is told who fails it."""

    fits: Callable[[Any], bool]
    expected: str


def text(longest: int = codes.LONGEST_TEXT) -> Form:
    """Plain text of one line, not empty, without spaces at its ends."""
    return Form(lambda value: _is_text(value, longest), f"a text of 1 to {longest} characters on one line")


def one_of(choices: Collection[str]) -> Form:
    """One of a closed list."""
    return Form(lambda value: isinstance(value, str) and value in choices, f"one of {', '.join(choices)}")


def list_of(form: Form) -> Form:
    """A list of values of one form, none twice."""

    def fits(value: Any) -> bool:
        if not isinstance(value, list) or len(value) > MOST_ENTRIES or not all(form.fits(item) for item in value):
            return False
        return len(value) == len(set(value))

    return Form(fits, f"a list without repetition, each entry {form.expected}")


def whole_number(least: int, most: int = LARGEST_NUMBER) -> Form:
    """A whole number."""
    return Form(lambda value: type(value) is int and least <= value <= most, f"a whole number from {least} to {most}")


def record(members: dict[str, Form]) -> Form:
    """An object that has some of these members and no others."""

    def fits(value: Any) -> bool:
        if not isinstance(value, dict):
            return False
        return all(name in members and members[name].fits(item) for name, item in value.items())

    return Form(fits, f"an object with some of {', '.join(members)}")


def records(members: dict[str, Form]) -> Form:
    """A list of such objects."""
    one = record(members)
    return Form(
        lambda value: isinstance(value, list) and len(value) <= MOST_ENTRIES and all(one.fits(item) for item in value),
        f"a list, each entry {one.expected}",
    )


def one_record(members: dict[str, Form], required: Collection[str] = ()) -> Form:
    """An object that has some of these members, the required ones among them, and no others."""
    plain = record(members)
    expected = f"{plain.expected}; needed: {', '.join(required)}" if required else plain.expected
    return Form(lambda value: plain.fits(value) and all(name in value for name in required), expected)


def few(form: Form, most: int) -> Form:
    """A list of at most so many objects of one form."""

    def fits(value: Any) -> bool:
        return isinstance(value, list) and len(value) <= most and all(form.fits(item) for item in value)

    return Form(fits, f"a list of at most {most}, each entry {form.expected}")


def number(least: float, most: float) -> Form:
    """A number within bounds, with or without a fraction."""
    expected = f"a number from {least:g} to {most:g}"
    return Form(lambda value: type(value) in {int, float} and least <= value <= most, expected)


def texts(longest: int = codes.LONGEST_TEXT) -> Form:
    """A text by language; lines may be broken."""

    def fits(value: Any) -> bool:
        return isinstance(value, dict) and all(
            _is_language(language) and _is_lines(said, longest) for language, said in value.items()
        )

    return Form(fits, f"texts by language, such as {{'lt': '…'}}, each of 1 to {longest} characters")


def _is_lines(value: Any, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest and value.replace("\n", " ").isprintable()


def _is_email(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_ADDRESS and bool(_EMAIL.match(value))


def _is_url(value: Any) -> bool:
    if not _is_text(value, codes.LONGEST_URL) or not value.isascii() or " " in value:
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
    except ValueError:
        return False


def _is_phone(value: Any) -> bool:
    if not isinstance(value, str) or len(value) > codes.LONGEST_PHONE:
        return False
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        return False
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return phonenumbers.is_possible_number(number) and written == value


def _is_text(value: Any, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest and value.isprintable() and value == value.strip()


def _is_key(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= codes.LONGEST_KEY and bool(codes.KEY.match(value))


def _is_code(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= codes.LONGEST_KEY and bool(codes.CODE.match(value))


def _is_country(value: Any) -> bool:
    return isinstance(value, str) and value in codes.COUNTRIES


def _is_area(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    country, colon, place = value.partition(":")
    return country in codes.COUNTRIES and (not colon or (_is_text(place, codes.LONGEST_PLACE) and ":" not in place))


def _is_language(value: Any) -> bool:
    return isinstance(value, str) and bool(codes.LANGUAGE.match(value))


def _is_partial_date(value: Any) -> bool:
    if not isinstance(value, str) or len(value) not in {_YEARS_LENGTH, _MONTHS_LENGTH, _DAYS_LENGTH}:
        return False
    if not value.isascii() or not value.replace("-", "").isdigit():
        return False
    try:
        dt.date.fromisoformat(value + "-01-01"[len(value) - _DAYS_LENGTH :] if len(value) < _DAYS_LENGTH else value)
    except ValueError:
        return False
    return True


def _is_names(value: Any) -> bool:
    return isinstance(value, dict) and all(
        _is_language(language) and _is_text(name, codes.LONGEST_NAME) for language, name in value.items()
    )


KEY = Form(_is_key, "a key of at most 64 small letters, digits and single hyphens, such as lt-kavkc")
CODE = Form(_is_code, "a code of small letters, digits and underscores, such as crisis_centre")
COUNTRY = Form(_is_country, "a country code of ISO 3166 in capitals, such as LT")
AREA = Form(_is_area, "a country or a municipality in it, such as LT or LT:Kaunas")
LANGUAGE = Form(_is_language, "a language tag, such as lt")
PARTIAL_DATE = Form(_is_partial_date, "a date as YYYY, YYYY-MM or YYYY-MM-DD")
NAMES = Form(
    lambda value: _is_names(value) and bool(value),
    f"at least one name by language, such as {{'lt': '…'}}, each at most {codes.LONGEST_NAME} characters",
)
TEXTS = texts()
BOOLEAN = Form(lambda value: type(value) is bool, "true or false")
EMAIL = Form(_is_email, "an e-mail address, such as info@example.org")
URL = Form(_is_url, "a web address that begins with http:// or https://")
PHONE = Form(_is_phone, "a phone number as +, country code and number without spaces, such as +37060000000")
CLOCK = Form(lambda value: isinstance(value, str) and bool(_CLOCK.match(value)), "a time such as 08:30")
DAY = Form(
    lambda value: _is_partial_date(value) and len(value) == _DAYS_LENGTH,
    "a day as YYYY-MM-DD",
)
