"""Fixed periods, small figures and totals of indicators (groups.md section 10)."""

from __future__ import annotations

import datetime as dt

import pytest

from chassis.errors import Invalid
from services.groups.rules import indicators


@pytest.mark.parametrize(
    ("period", "first", "after"),
    [
        ("2027", "2027-01-01", "2028-01-01"),
        ("2027-H1", "2027-01-01", "2027-07-01"),
        ("2027-H2", "2027-07-01", "2028-01-01"),
        ("2027-Q4", "2027-10-01", "2028-01-01"),
        ("2027-05", "2027-05-01", "2027-06-01"),
        ("2027-12", "2027-12-01", "2028-01-01"),
    ],
)
def test_a_period_is_whole_months(period: str, first: str, after: str) -> None:
    assert indicators.months_of(period) == (dt.date.fromisoformat(first), dt.date.fromisoformat(after))


@pytest.mark.parametrize("period", ["27", "2027-H3", "2027-Q0", "2027-13", "2027-1", "2027-05-01", "", "x"])
def test_anything_else_is_none(period: str) -> None:
    with pytest.raises(Invalid, match=r"period\.invalid"):
        indicators.months_of(period)


def told(**figures: int) -> dict[str, int | None]:
    rows = [{"key": key, "metric": "reached", "amount": amount} for key, amount in figures.items()]
    return {line["key"]: line["reached"] for line in indicators.table(rows)}


def test_a_small_figure_is_not_told_and_cannot_be_subtracted() -> None:
    assert told(a=12, b=8) == {"a": 12, "b": 8, "total": 20}
    assert told(a=12, b=8, c=3) == {"a": 12, "b": None, "c": None, "total": 25}
    assert told(a=12, b=3, c=4) == {"a": 12, "b": None, "c": None, "total": 20}
    assert told(a=3) == {"a": None, "total": 5}
    assert told(a=2, b=0) == {"a": None, "b": 0, "total": 0}


def test_groups_and_places_are_told_as_they_are() -> None:
    rows = [
        {"key": "a", "metric": "groups_started", "amount": 1},
        {"key": "a", "metric": "places_planned", "amount": 8},
    ]
    line = indicators.table(rows)[0]
    assert (line["groups_started"], line["places_planned"], line["reached"]) == (1, 8, 0)


def test_as_a_table_what_is_not_told_is_empty() -> None:
    text = indicators.as_csv(indicators.table([{"key": "a", "metric": "reached", "amount": 3}])).decode()
    assert text.splitlines()[0] == ",".join(indicators.COLUMNS)
    assert text.splitlines()[1] == "a,0,0,0,0,,0,0,0,0,0"
