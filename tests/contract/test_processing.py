"""The record of processing is complete: every purpose, what is inside each seal, every period with its sweeper."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from marshmallow import Schema, fields, validate

from chassis import accountable, inbox
from chassis.classes import classes_of
from chassis.erasure import records_of
from chassis.messages import outbox
from chassis.records import Records
from chassis.relay import store
from chassis.retention import SWEPT_ELSEWHERE
from chassis.schema import unclassified
from chassis.settings import SERVICES, Settings
from deploy import processing

KEEPING = [records for records in map(records_of, SERVICES) if records is not None]
LONG = 1000


@pytest.fixture(params=KEEPING, ids=lambda records: records.service)
def records(request: pytest.FixtureRequest) -> Records:
    found: Records = request.param
    return found


def texts(shape: Schema, prefix: str) -> Iterator[str]:
    """Every member in which somebody may write at length."""
    for name, field in shape.fields.items():
        if isinstance(field, fields.Nested):
            yield from texts(field.schema, f"{prefix}.{name}")
        elif any(isinstance(v, validate.Length) and (v.max or 0) >= LONG for v in field.validators):
            yield f"{prefix}.{name}"


def test_every_service_says_what_it_is_for() -> None:
    assert set(processing.ACTIVITIES) == set(SERVICES)


def test_what_is_inside_each_seal_is_declared(records: Records) -> None:
    own = {table.name for table in records.persons.tables}
    sealed = {f"{t}.{c}" for t in own for c, of in classes_of(records.service)[t].items() if of.kind == "sealed"}
    assert sealed == set(records.shapes)


def test_long_texts_are_read_by_an_officer_before_they_are_handed_out(records: Records) -> None:
    for place, shape in records.shapes.items():
        for name in texts(shape, place):
            assert records.reason_to_review(name), name
    if records.service == "referrals":
        assert "sender_record.personal.reason" in set(
            texts(records.shapes["sender_record.personal"], "sender_record.personal")
        )


def test_each_rule_has_days_a_source_and_a_place_in_the_record(records: Records) -> None:
    page = processing.page().decode()
    for rule in records.persons.rules:
        assert rule.what in page
        assert rule.source
        assert rule.days is None or rule.days > 0


def test_the_periods_of_what_is_swept_elsewhere_are_those_of_its_sweepers() -> None:
    days = {rule.code: rule.days for rule in SWEPT_ELSEWHERE}
    of = Settings.__dataclass_fields__
    assert days == {
        "request": store.KEEP_REQUEST_DAYS,
        "outbox": of["outbox_days"].default,
        "inbox": inbox.KEEP_DAYS,
        "journal": of["journal_days"].default,
        "message": outbox.KEPT_DAYS,
    }


def test_the_officers_own_shapes_are_classified() -> None:
    shapes = [each for each in vars(accountable).values() if isinstance(each, type) and issubclass(each, Schema)]
    assert len(shapes) >= 9
    assert {f"{shape.__name__}.{name}" for shape in shapes for name in unclassified(shape)} == set()


def test_every_column_about_people_is_on_the_page() -> None:
    page = processing.page().decode()
    for service in SERVICES:
        for table, columns in classes_of(service).items():
            for column, classed in columns.items():
                assert not classed.is_about_people or f"`{table}.{column}`" in page
