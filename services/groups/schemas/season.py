"""Shapes of a group over its season: what may be changed, how it starts and ends, who leads it."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import Shape, classified, plain_text
from services.groups.rules import grouping, season
from services.groups.schemas.grouping import NewLeader, Quota
from services.groups.schemas.parts import KEY, LANGUAGE, names


class Duplicating(Shape):
    """When the next season begins, and whether the queue of this one goes over to it in the end."""

    start_on = classified(fields.Date(load_default=None, allow_none=True), "public")
    successor = classified(fields.Boolean(load_default=True, truthy={True}, falsy={False}), "internal")


class GroupChange(Shape):
    """What is to be otherwise from now on; what is not named stays as it is."""

    names = classified(names(required=False), "public")
    languages = classified(fields.List(fields.String(validate=LANGUAGE), validate=validate.Length(1, 10)), "public")
    admission = classified(fields.String(validate=validate.OneOf(grouping.ADMISSIONS)), "public")
    rolling_every = classified(fields.Integer(strict=True, validate=validate.Range(2, grouping.ROLLING_MOST)), "public")
    capacity = classified(fields.Integer(strict=True, validate=validate.Range(1, 1000)), "public")
    min_to_start = classified(fields.Integer(strict=True, validate=validate.Range(1, 1000)), "internal")
    waitlist_limit = classified(
        fields.Integer(allow_none=True, strict=True, validate=validate.Range(0, 100_000)), "internal"
    )
    place_public = classified(fields.String(validate=plain_text(1, 300)), "public")
    place_full = classified(fields.String(validate=plain_text(1, 500)), "internal")
    successor_id = classified(fields.UUID(), "internal")
    sign_up_until = classified(fields.Date(allow_none=True), "public")
    quotas = classified(fields.List(fields.Nested(Quota), validate=validate.Length(0, 200)), "public")
    co_organisers = classified(fields.List(fields.String(validate=KEY), validate=validate.Length(0, 20)), "public")


class Postponing(Shape):
    """The new first day; every meeting that is ahead moves with it."""

    start_on = classified(fields.Date(required=True), "public")


class Starting(Shape):
    """Whether to run although fewer men than planned hold a seat."""

    with_few = classified(fields.Boolean(load_default=False, truthy={True}, falsy={False}), "internal")


class Cancelling(Shape):
    """Why the group does not take place, as a code."""

    reason = classified(fields.String(required=True, validate=validate.OneOf(season.CANCEL_REASONS)), "internal")


class Merging(Shape):
    """The group of the same programme that takes the queue over."""

    group_id = classified(fields.UUID(required=True), "internal")


class Assigning(NewLeader):
    """Who leads from now on; a substitute with the time until which he does."""

    until = classified(fields.AwareDateTime(load_default=None, allow_none=True), "internal")


class EndLeading(Shape):
    """Who leads no longer."""

    subject = classified(fields.String(required=True, validate=validate.Length(1, 200)), "internal")


CHANGE_EXAMPLE = {"capacity": 9}
POSTPONE_EXAMPLE = {"start_on": "2027-02-01"}
CANCEL_EXAMPLE = {"reason": "too_few"}
ASSIGN_EXAMPLE = {"subject": "user:demo-leader-3", "alias": "C", "role": "co"}
END_EXAMPLE = {"subject": "user:demo-leader-2"}
