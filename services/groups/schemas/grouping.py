"""Shapes of programmes and groups, in and out; every field carries its class."""

from __future__ import annotations

import zoneinfo
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from chassis.schema import Fault, Shape, classified, plain_text
from services.groups.rules import grouping, lifecycle
from services.groups.schemas.parts import AREA, COUNTRY, KEY, LANGUAGE, ListQuery, Party, names

CLOCK_TIME = validate.Regexp(r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z")


class NewLeader(Shape):
    """Who leads: the account's subject, and what the men may call him."""

    subject = classified(fields.String(required=True, validate=validate.Length(1, 200)), "internal")
    alias = classified(fields.String(load_default=None, allow_none=True, validate=plain_text(1, 60)), "internal")
    role = classified(fields.String(load_default="lead", validate=validate.OneOf(grouping.LEADER_ROLES)), "internal")


class Schedule(Shape):
    """When the meetings are: wall time and zone; weekly."""

    start_on = classified(fields.Date(required=True), "public")
    local_start = classified(fields.String(required=True, validate=CLOCK_TIME), "public")
    tz = classified(fields.String(required=True, validate=validate.Length(1, 64)), "public")
    minutes = classified(
        fields.Integer(load_default=grouping.MINUTES, strict=True, validate=validate.Range(15, 600)), "public"
    )
    sessions = classified(
        fields.Integer(load_default=grouping.SESSIONS, strict=True, validate=validate.Range(1, 30)), "public"
    )

    @validates_schema
    def zone_exists(self, value: dict[str, Any], **_: object) -> None:
        """An IANA zone; an offset would be wrong half of the year."""
        if "/" not in value["tz"] or value["tz"] not in zoneinfo.available_timezones():
            raise ValidationError({"tz": [Fault("zone", "A time zone is named like Europe/Vilnius.")]})


class Quota(Shape):
    """How many seats a delegation may hold at most."""

    delegation = classified(fields.String(required=True, validate=KEY), "public")
    seats = classified(fields.Integer(required=True, strict=True, validate=validate.Range(1, 1000)), "public")


class NewGroup(Shape):
    """A group, as a draft. `programme` by key; without it the organisation's default programme of that kind."""

    programme = classified(fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 64)), "public")
    kind = classified(fields.String(load_default="peer", validate=validate.OneOf(tuple(grouping.KINDS))), "public")
    names = classified(names(), "public")
    country = classified(fields.String(load_default=None, allow_none=True, validate=COUNTRY), "public")
    areas = classified(
        fields.List(fields.String(validate=AREA), load_default=list, validate=validate.Length(0, 100)), "public"
    )
    languages = classified(
        fields.List(fields.String(validate=LANGUAGE), required=True, validate=validate.Length(1, 10)), "public"
    )
    mode = classified(fields.String(load_default="in_person", validate=validate.OneOf(grouping.MODES)), "public")
    admission = classified(fields.String(load_default="closed", validate=validate.OneOf(grouping.ADMISSIONS)), "public")
    rolling_every = classified(
        fields.Integer(
            load_default=grouping.ROLLING_EVERY,
            strict=True,
            validate=validate.Range(2, grouping.ROLLING_MOST),
            metadata={"description": "A rolling group that has begun takes new men before every n-th meeting only."},
        ),
        "public",
    )
    capacity = classified(
        fields.Integer(load_default=grouping.CAPACITY, strict=True, validate=validate.Range(1, 1000)), "public"
    )
    min_to_start = classified(
        fields.Integer(load_default=grouping.MIN_TO_START, strict=True, validate=validate.Range(1, 1000)), "internal"
    )
    waitlist_limit = classified(
        fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(0, 100_000)), "internal"
    )
    place_public = classified(fields.String(load_default=None, allow_none=True, validate=plain_text(1, 300)), "public")
    place_full = classified(fields.String(load_default=None, allow_none=True, validate=plain_text(1, 500)), "internal")
    schedule = classified(fields.Nested(Schedule, load_default=None, allow_none=True), "public")
    sign_up_until = classified(
        fields.Date(
            load_default=None,
            allow_none=True,
            metadata={"description": "The last day on which men sign themselves up."},
        ),
        "public",
    )
    quotas = classified(
        fields.List(fields.Nested(Quota), load_default=list, validate=validate.Length(0, 200)), "public"
    )
    co_organisers = classified(
        fields.List(
            fields.String(validate=KEY),
            load_default=list,
            validate=validate.Length(0, 20),
            metadata={"description": "Keys of organisations that hold the group with yours; they hear what you hear."},
        ),
        "public",
    )
    leaders = classified(
        fields.List(fields.Nested(NewLeader), load_default=list, validate=validate.Length(0, 10)), "internal"
    )


class Opening(Shape):
    """Nothing needs to be said."""


class ProgrammeLine(Shape):
    """The programme as the group's page shows it."""

    key = classified(fields.String(required=True), "public")
    names = classified(fields.Dict(required=True), "public")
    kind = classified(fields.String(required=True), "public")
    intake = classified(fields.String(required=True), "public")
    min_age = classified(fields.Integer(required=True, allow_none=True), "public")
    max_age = classified(fields.Integer(required=True, allow_none=True), "public")


class PublicGroup(Shape):
    """A group as anybody may see it; `seat_at_once`: a newcomer gets a seat now, else he queues."""

    id = classified(fields.UUID(required=True), "public")
    organisation = classified(fields.Nested(Party, required=True), "public")
    programme = classified(fields.Nested(ProgrammeLine, required=True), "public")
    names = classified(fields.Dict(required=True), "public")
    state = classified(fields.String(required=True), "public")
    country = classified(fields.String(allow_none=True), "public")
    areas = classified(fields.List(fields.String(), required=True), "public")
    languages = classified(fields.List(fields.String(), required=True), "public")
    mode = classified(fields.String(required=True), "public")
    admission = classified(fields.String(required=True), "public")
    rolling_every = classified(fields.Integer(required=True), "public")
    joins_at = classified(
        fields.AwareDateTime(
            required=True,
            allow_none=True,
            metadata={"description": "Of a rolling group that has begun: the next meeting at which new men join."},
        ),
        "public",
    )
    capacity = classified(fields.Integer(required=True), "public")
    accepting = classified(fields.Boolean(required=True), "public")
    seat_at_once = classified(fields.Boolean(required=True), "public")
    place_public = classified(fields.String(allow_none=True), "public")
    schedule = classified(fields.Nested(Schedule, allow_none=True), "public")
    sign_up_until = classified(fields.Date(required=True, allow_none=True), "public")
    quotas = classified(fields.List(fields.Nested(Quota), required=True), "public")
    co_organisers = classified(fields.List(fields.Nested(Party), required=True), "public")
    version = classified(fields.Integer(required=True), "public")


class GroupView(PublicGroup):
    """The same group with what its own organisation sees besides; these fields are absent for everybody else."""

    held = classified(fields.Integer(), "internal")
    waiting = classified(fields.Integer(), "internal")
    min_to_start = classified(fields.Integer(), "internal")
    waitlist_limit = classified(fields.Integer(allow_none=True), "internal")
    place_full = classified(fields.String(allow_none=True), "internal")
    leaders = classified(fields.List(fields.Nested(NewLeader)), "internal")
    successor_id = classified(fields.UUID(allow_none=True), "internal")
    choice_due = classified(fields.Boolean(), "internal")
    allowed_actions = classified(fields.List(fields.String()), "internal")


class RosterLine(Shape):
    """One man as the leader sees him: no legal name, no contact, no reason."""

    signup_id = classified(fields.UUID(required=True), "internal")
    alias = classified(fields.String(required=True), "personal")
    language = classified(fields.String(required=True, allow_none=True), "personal")
    state = classified(fields.String(required=True, validate=validate.OneOf(lifecycle.STATES)), "internal")
    reachable = classified(fields.Boolean(required=True), "internal")
    contact_check = classified(
        fields.String(required=True, validate=validate.OneOf(("none", "awaited", "undeliverable", "confirmed"))),
        "internal",
    )
    partner_step = classified(
        fields.String(required=True, allow_none=True, validate=validate.OneOf(("open", "done"))), "personal"
    )
    deadline = classified(fields.AwareDateTime(required=True, allow_none=True), "internal")
    place = classified(fields.Integer(required=True, allow_none=True), "internal")
    queue_seq = classified(fields.Integer(required=True), "internal")
    version = classified(fields.Integer(required=True), "internal")
    allowed_actions = classified(fields.List(fields.String(), required=True), "internal")


class GroupQuery(ListQuery):
    """Which groups: by country, language, area and kind."""

    country = classified(fields.String(load_default=None, validate=COUNTRY), "public")
    language = classified(fields.String(load_default=None, validate=LANGUAGE), "public")
    area = classified(fields.String(load_default=None, validate=AREA), "public")
    kind = classified(fields.String(load_default=None, validate=validate.OneOf(tuple(grouping.KINDS))), "public")


class RosterQuery(Shape):
    """Which men: everybody who is live, or those in one state."""

    state = classified(fields.String(load_default=None, validate=validate.OneOf(lifecycle.STATES)), "public")


NEW_GROUP_EXAMPLE = {
    "kind": "peer",
    "names": {"lt": "Vyrų grupė", "en": "Men's group"},
    "country": "LT",
    "languages": ["lt"],
    "capacity": 8,
    "place_public": "Kaunas",
    "schedule": {"start_on": "2027-01-11", "local_start": "18:00", "tz": "Europe/Vilnius"},
    "leaders": [
        {"subject": "user:demo-leader-1", "alias": "A"},
        {"subject": "user:demo-leader-2", "alias": "B", "role": "co"},
    ],
}
