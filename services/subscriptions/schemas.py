"""Shapes of the feed: what may be asked, and what one event looks like outside."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.paging import DEFAULT, MOST
from chassis.schema import Shape, classified
from services.subscriptions.rules import STREAMS

FURTHEST = 2**63 - 1
SHORT_NAMES = r"^[a-z_]{1,40}\.[a-z_]{1,40}(,[a-z_]{1,40}\.[a-z_]{1,40}){0,49}$"


class FeedQuery(Shape):
    """Which stream, behind which position, at most how many, of which types (short names such as referral.accepted)."""

    stream = classified(fields.String(required=True, validate=validate.OneOf(STREAMS)), "public")
    after = classified(fields.Integer(load_default=0, validate=validate.Range(0, FURTHEST)), "public")
    limit = classified(fields.Integer(load_default=DEFAULT, validate=validate.Range(1, MOST)), "public")
    types = classified(
        fields.List(
            fields.String(validate=validate.Regexp(SHORT_NAMES)), load_default=list, validate=validate.Length(max=50)
        ),
        "public",
    )


class StreamEvent(Shape):
    """One event: CloudEvents 1.0 with its stream and its position there."""

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
