"""Shapes of the feed: what may be asked, and what one event looks like outside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from marshmallow import INCLUDE, fields, validate

from chassis.http import headers, sse
from chassis.paging import DEFAULT, MOST
from chassis.schema import Shape, classified
from services.subscriptions.rules import OWN, STREAMS

FURTHEST = 2**63 - 1
SHORT_NAMES = r"^[a-z_]{1,40}\.[a-z_]{1,40}(,[a-z_]{1,40}\.[a-z_]{1,40}){0,49}$"


class FollowQuery(Shape):
    """Which stream (without one my own), behind which position, of which types (such as referral.accepted)."""

    stream = classified(fields.String(load_default=OWN, validate=validate.OneOf(STREAMS)), "public")
    after = classified(fields.Integer(load_default=0, validate=validate.Range(0, FURTHEST)), "public")
    types = classified(
        fields.List(
            fields.String(validate=validate.Regexp(SHORT_NAMES)), load_default=list, validate=validate.Length(max=50)
        ),
        "public",
    )


class Seconds(fields.Integer):
    """A number of seconds as the door reads it before anything is loaded: they must never read differently."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if headers.seconds_of(value) is None:
            raise self.make_error("invalid")
        return super()._deserialize(value, attr, data, **kwargs)


class FeedQuery(FollowQuery):
    """The same, at most how many, and for how many seconds to wait when there is nothing yet."""

    limit = classified(fields.Integer(load_default=DEFAULT, validate=validate.Range(1, MOST)), "public")
    wait = classified(Seconds(load_default=0, validate=validate.Range(0, headers.LONGEST_WAIT)), "public")


class StreamEvent(Shape):
    """One event: CloudEvents 1.0 with its stream and its position there. New fields may appear beside these."""

    class Meta(Shape.Meta):
        """Written as it was stored and never loaded here; a reader must not stumble over a new field."""

        unknown = INCLUDE

    specversion = classified(fields.String(required=True), "public")
    id = classified(fields.UUID(required=True), "internal")
    source = classified(fields.String(required=True), "public")
    type = classified(fields.String(required=True), "public")
    subject = classified(fields.UUID(required=True), "internal")
    time = classified(fields.AwareDateTime(required=True), "internal")
    dataschema = classified(fields.String(required=True), "public")
    datacontenttype = classified(fields.String(required=True), "public")
    sequence = classified(fields.Integer(required=True), "internal")
    stream = classified(fields.String(required=True), "internal")
    position = classified(fields.Integer(required=True), "internal")
    data = classified(fields.Dict(keys=fields.String(), required=True), "internal")


class Feed(Shape):
    """Events in the order of their positions, and where to go on."""

    events = classified(fields.List(fields.Nested(StreamEvent), required=True), "internal")
    next = classified(fields.Integer(required=True), "internal")


class Placed(Protocol):
    """An event with its place in the stream and its stored bytes."""

    @property
    def position(self) -> int: ...  # noqa: D102
    @property
    def type(self) -> str: ...  # noqa: D102
    @property
    def body(self) -> bytes: ...  # noqa: D102


def messages_of(rows: Iterable[Placed], reached: int | None) -> bytes:
    """Events as server-sent messages, and how far the stream has been read when that is further than they are."""
    told = b"".join(sse.message(row.position, row.type, row.body) for row in rows)
    return told if reached is None else told + sse.mark(reached)
