"""Search parameters: dates with prefixes, references, addresses of pages."""

from __future__ import annotations

import datetime as dt

import pytest

from chassis.errors import Malformed
from services.referrals.rules.fhir_searching import Bounds, address, both, bounds, party

A, B = dt.datetime(2026, 11, 1, tzinfo=dt.UTC), dt.datetime(2026, 11, 2, tzinfo=dt.UTC)
AT = dt.datetime(2026, 11, 1, 10, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-01", Bounds(A, B)),
        ("eq2026-11-01", Bounds(A, B)),
        ("ge2026-11-01", Bounds(A, None)),
        ("gt2026-11-01", Bounds(B, None)),
        ("le2026-11-01", Bounds(None, B)),
        ("lt2026-11-01", Bounds(None, A)),
        ("2026-11", Bounds(A, dt.datetime(2026, 12, 1, tzinfo=dt.UTC))),
        ("2026-12", Bounds(dt.datetime(2026, 12, 1, tzinfo=dt.UTC), dt.datetime(2027, 1, 1, tzinfo=dt.UTC))),
        ("2026", Bounds(dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.datetime(2027, 1, 1, tzinfo=dt.UTC))),
        ("ge2026-11-01T12:00:00+02:00", Bounds(AT, None)),
        ("gt2026-11-01T10:00:00Z", Bounds(AT + dt.timedelta(seconds=1), None)),
        ("gt2026-11-01T10:00:00.5Z", Bounds(AT + dt.timedelta(seconds=0.5, microseconds=1), None)),
    ],
)
def test_a_prefixed_date_is_a_stretch_of_time(text: str, expected: Bounds) -> None:
    assert bounds(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "ge", "sa2026-11-01", "2026-13", "2026-02-30", "2026-11-01T10:00:00", "2026-11-01T25:00:00Z", "0000",
        "9999", "yesterday", "2026-11-01 ", "2026-11-01T10:00:00+99:00",
    ],
)  # fmt: skip
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        bounds(text)


def test_two_of_them_meet() -> None:
    assert both(["ge2026-11-01", "lt2026-11-02"]) == Bounds(A, B)
    assert both([]) == Bounds()


@pytest.mark.parametrize(
    ("reference", "identifier", "expected"),
    [
        (None, None, None),
        ("lt-police", None, "lt-police"),
        ("Organization/lt-police", None, "lt-police"),
        (None, "urn:tukiverkko:organisation|lt-police", "lt-police"),
        (None, "urn:ietf:rfc:3986|urn:uuid:0b6f6d3c", "0b6f6d3c"),
        (None, "lt-police", "lt-police"),
    ],
)
def test_a_party_by_reference_or_identifier(
    reference: str | None, identifier: str | None, expected: str | None
) -> None:
    assert party(reference, identifier) == expected


def test_the_address_of_a_page() -> None:
    assert address("https://h/fhir", "Task", [("status", "received"), ("owner", None)]) == (
        "https://h/fhir/Task?status=received"
    )
    assert address("https://h/fhir", "Task", []) == "https://h/fhir/Task"
