"""The envelope: only kinds of the allow-list get in, and what goes out comes in again."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import jsonschema
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis import envelope
from chassis.envelope import EventType, Kind, Unreadable

SUBJECT = uuid.UUID("5c0c3a58-1d5c-4b0f-9d5c-0f6d3a5b7a11")
ORG = uuid.UUID("0a6f6c2e-7d8f-4b3a-8a55-1b7f2f9c0d01")
AT = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)
ACCEPTED = EventType(
    "referral.accepted",
    "referrals",
    {
        "receiver": Kind.ID,
        "reason": Kind.CODE,
        "at": Kind.TIME,
        "day": Kind.DATE,
        "version": Kind.INTEGER,
        "urgent": Kind.BOOLEAN,
        "needs": Kind.CODES,
        "services": Kind.IDS,
        "names": Kind.PUBLIC_NAMES,
    },
    "A receiving organisation has taken a referral on.",
    "both parties",
    optional=frozenset({"reason", "names"}),
)
DATA: dict[str, Any] = {
    "receiver": ORG,
    "reason": "capacity.free",
    "at": AT,
    "day": AT.date(),
    "version": 3,
    "urgent": False,
    "needs": ["housing", "peer_group"],
    "services": [SUBJECT],
    "names": {"fi": "Kriisikeskus", "lt": "Krizių centras"},
}


def make(**changes: Any) -> envelope.Event:
    """An event of the sample type with some of its data changed."""
    data = {name: value for name, value in {**DATA, **changes}.items() if value is not ...}
    return envelope.event(
        ACCEPTED, aggregate=("referral", SUBJECT), audience=f"org:{ORG}", data=data, at=AT, id=SUBJECT
    )


def row_of(event: envelope.Event, **changes: Any) -> dict[str, Any]:
    """The outbox row of an event."""
    row = {
        "id": event.id,
        "type": event.type.name,
        "version": event.type.version,
        "aggregate_type": event.aggregate_type,
        "aggregate_id": event.aggregate_id,
        "audience": event.audience,
        "sequence": 4,
        "data": event.data,
        "body": None,
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "correlation_id": "request-1",
        "causation_id": None,
        "occurred_at": event.occurred_at,
    }
    return {**row, **changes}


def test_what_goes_out_comes_in_again() -> None:
    body, headers, properties = envelope.encode(row_of(make()), source="referrals")
    received = envelope.decode(body, headers, properties)
    assert (received.type, received.version, received.source) == ("referral.accepted", 1, "referrals")
    assert (received.subject, received.sequence, received.time) == (SUBJECT, 4, AT)
    assert received.audience == f"org:{ORG}"
    assert received.data["receiver"] == str(ORG)
    assert received.correlation_id == "request-1"
    assert received.causation_id is None
    assert properties["message_id"] == str(SUBJECT)
    assert properties["delivery_mode"] == 2


def test_the_body_is_a_cloudevent_and_tells_nobody_who_else_is_told() -> None:
    body, headers, _ = envelope.encode(row_of(make()), source="referrals")
    document = orjson.loads(body)
    assert document["specversion"] == "1.0"
    assert document["type"] == "eu.tukiverkko.referral.accepted.v1"
    assert document["source"] == "/services/referrals"
    assert document["time"] == "2026-03-01T09:30:00.000000Z"
    assert not {"audience", "traceparent", "correlationid", "causationid"} & set(document)
    assert headers["audience"] == f"org:{ORG}"


def test_a_ready_made_body_leaves_byte_for_byte_without_inner_headers() -> None:
    body, headers, _ = envelope.encode(row_of(make(), data=None, body=memoryview(b'{"a": 1}')), source="subscriptions")
    assert body == b'{"a": 1}'
    assert headers == {}


def test_the_schema_accepts_the_data_and_refuses_anything_more() -> None:
    schema = ACCEPTED.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    validator.validate(make().data)
    assert not validator.is_valid({**make().data, "note": "x"})
    assert not validator.is_valid({**make().data, "reason": "He told us that ..."})


@pytest.mark.parametrize(
    "changes",
    [
        {"reason": "free text with spaces"},
        {"reason": "Upper"},
        {"reason": "x" * 65},
        {"reason": 5},
        {"receiver": "not-an-id"},
        {"at": dt.datetime(2026, 1, 1)},  # noqa: DTZ001 - the missing offset is the point
        {"at": "yesterday"},
        {"day": AT},
        {"day": "2026-02-30"},
        {"version": True},
        {"version": 1.5},
        {"urgent": 1},
        {"needs": "housing"},
        {"needs": ["free text here"]},
        {"services": [1]},
        {"names": {"Suomi": "x"}},
        {"names": {"fi": ""}},
        {"names": {"fi": "two\nlines"}},
        {"names": {"fi": "x" * 301}},
        {"receiver": ...},
        {"note": "unknown field"},
    ],
)
def test_data_that_does_not_fit_is_refused_without_telling_the_value(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"referral\.accepted") as caught:
        make(**changes)
    for value in changes.values():
        assert not isinstance(value, str) or value not in str(caught.value)


def test_optional_fields_may_be_left_out() -> None:
    assert "reason" not in make(reason=...).data


@pytest.mark.parametrize(
    ("aggregate", "audience"),
    [(("group", SUBJECT), "network"), (("referral", SUBJECT), "org:everyone"), (("referral", SUBJECT), "all")],
)
def test_aggregate_and_audience_are_checked(aggregate: tuple[str, uuid.UUID], audience: str) -> None:
    with pytest.raises(ValueError, match=r"referral\.accepted"):
        envelope.event(ACCEPTED, aggregate=aggregate, audience=audience, data=DATA, at=AT, id=SUBJECT)


@pytest.mark.parametrize("name", ["referral", "Referral.accepted", "referral.accepted.v1", "referral.accepted\n"])
def test_a_type_needs_a_noun_and_a_verb(name: str) -> None:
    with pytest.raises(ValueError, match=r"noun\.past_verb"):
        EventType(name, "referrals", {}, "", "")


def good() -> dict[str, Any]:
    """A readable document."""
    document: dict[str, Any] = orjson.loads(envelope.encode(row_of(make()), source="referrals")[0])
    return document


@pytest.mark.parametrize(
    "changes",
    [
        {"specversion": "0.3"},
        {"type": "com.example.thing.v1"},
        {"type": 4},
        {"type": "eu.tukiverkko.referral.accepted.v0"},
        {"source": "/elsewhere/referrals"},
        {"source": None},
        {"id": "1"},
        {"subject": None},
        {"sequence": 0},
        {"sequence": "1"},
        {"sequence": True},
        {"time": "2026-03-01T09:30:00"},
        {"time": "soon"},
        {"data": [1]},
        {"data": None},
    ],
)
def test_what_is_no_event_of_ours_is_unreadable(changes: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        envelope.decode(orjson.dumps({**good(), **changes}))


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b"null", b"\xff\xfe", b"{" + b" " * 300_000 + b"}"])
def test_garbage_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        envelope.decode(body)


def test_unknown_fields_are_ignored_and_a_strange_audience_is_not() -> None:
    assert envelope.decode(orjson.dumps({**good(), "later": 1})).sequence == 4
    with pytest.raises(Unreadable):
        envelope.decode(orjson.dumps(good()), {"audience": "org:%"})


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.integers(-9, 9) | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["id", "type", "data", "specversion"]), inner, max_size=4)
        ),
    ).map(orjson.dumps)
)
def test_reading_raises_nothing_else(body: bytes) -> None:
    with pytest.raises(Unreadable):
        envelope.decode(body, {})


def test_names_translate_both_ways() -> None:
    assert envelope.short_name(envelope.full_name("signup.offered", 12)) == ("signup.offered", 12)
