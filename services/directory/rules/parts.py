"""What hangs on an organisation, a service or a place: phones, contacts, hours, costs, conditions, and who sees them.

Each part belongs to one thing and is read, judged, approved and versioned with it (directory.md sections 1 and 4).
"""

from __future__ import annotations

from typing import Any

from services.directory.rules import codes
from services.directory.rules.fields import (
    BOOLEAN,
    CLOCK,
    CODE,
    DAY,
    EMAIL,
    KEY,
    LANGUAGE,
    NAMES,
    PHONE,
    TEXTS,
    Form,
    few,
    list_of,
    number,
    one_of,
    one_record,
    text,
    whole_number,
)

MOST_PARTS = 50
LONGEST_SHORT = 300
MOST_HOURS = 8760

CONTACTS, REFERRAL, HOURS, ADDRESS = "contacts", "referral", "hours", "address"
GROUPS: dict[str, dict[str, tuple[str, ...]]] = {
    "organisations": {CONTACTS: ("email", "phones", "contacts")},
    "services": {CONTACTS: ("email", "phones", "contacts"), REFERRAL: ("referral",), HOURS: ("schedules",)},
    "locations": {
        CONTACTS: ("phones",),
        HOURS: ("schedules",),
        ADDRESS: (
            "address_1", "address_2", "city", "municipality", "postal_code", "latitude", "longitude", "transport",
            "url",
        ),
    },
}  # fmt: skip
"""The groups of fields that may be for fewer than everybody, by section; all other fields are public."""

PHONES = few(
    one_record(
        {
            "number": PHONE,
            "extension": whole_number(0, 999_999),
            "kind": one_of(codes.PHONE_KINDS),
            "languages": list_of(LANGUAGE),
            "about": text(LONGEST_SHORT),
        },
        required=("number",),
    ),
    MOST_PARTS,
)
CONTACT_LIST = few(
    one_record(
        {"title": text(LONGEST_SHORT), "department": text(LONGEST_SHORT), "email": EMAIL, "phones": PHONES},
        required=("title",),
    ),
    MOST_PARTS,
)
"""A contact is a function, such as the duty psychologist, never a person by name."""
SCHEDULES = few(
    one_record(
        {
            "days": list_of(one_of(codes.WEEKDAYS)),
            "opens": CLOCK,
            "closes": CLOCK,
            "from": DAY,
            "to": DAY,
            "closed": BOOLEAN,
            "on_holidays": BOOLEAN,
            "about": text(LONGEST_SHORT),
        },
        required=("days",),
    ),
    MOST_PARTS,
)
"""Hours on days of the week in the local time of the country; `closed` on days from-to takes them away. Hours that end
before they begin run over midnight; public holidays are closed unless `on_holidays`."""
COSTS = few(
    one_record(
        {"option": text(LONGEST_SHORT), "amount": number(0, 1e9), "currency": text(3), "about": text(LONGEST_SHORT)}
    ),
    MOST_PARTS,
)
ELIGIBILITY = one_record(
    {
        "min_age": whole_number(0, codes.OLDEST),
        "max_age": whole_number(0, codes.OLDEST),
        "gender": one_of(codes.GENDERS),
        "order_accepted": BOOLEAN,
        "about": text(),
    }
)
REFERRAL_PROFILE = one_record(
    {
        "who_may_refer": list_of(CODE),
        "legal_bases": list_of(CODE),
        "crisis_cover": BOOLEAN,
        "cover": SCHEDULES,
        "documents": list_of(text(LONGEST_SHORT)),
        "promise_hours": whole_number(1, MOST_HOURS),
    }
)
"""Who may refer, on which legal bases, when urgent ones are taken, which documents, and how soon the answer comes."""
PROGRAMS = few(one_record({"key": KEY, "names": NAMES, "descriptions": TEXTS}, required=("key", "names")), MOST_PARTS)
IDENTIFIERS = few(
    one_record(
        {"scheme": text(LONGEST_SHORT), "type": text(LONGEST_SHORT), "identifier": text(LONGEST_SHORT)},
        required=("type", "identifier"),
    ),
    MOST_PARTS,
)
SHORT_TEXTS = list_of(text(LONGEST_SHORT))


def visibility(section: str) -> Form:
    """By group of fields: public, partners, or the keys of the organisations that may see it."""
    groups = GROUPS[section]

    def fits(value: Any) -> bool:
        return isinstance(value, dict) and all(name in groups and _is_level(level) for name, level in value.items())

    expected = f"for some of {', '.join(groups)}: public, partners, or a list of keys of organisations"
    return Form(fits, expected)


def _is_level(value: Any) -> bool:
    named = list_of(KEY)
    return value in codes.LEVELS if isinstance(value, str) else bool(value) and named.fits(value)
