"""Parts that several shapes of groups share."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.keyed_ids import id_of_key
from chassis.paging import DEFAULT, MOST
from chassis.schema import Shape, classified, plain_text

# The demo's open group; seed_demo makes it, so that the example of POST /signups can always be posted.
DEMO_GROUP = id_of_key("group", "lt-kavkc-demo")

KEY = validate.Regexp(r"^[a-z0-9][a-z0-9-]{1,63}\Z")
AREA = validate.Regexp(r"^[a-z0-9][a-z0-9_.:-]{0,63}\Z")
LANGUAGE = validate.Regexp(r"^[a-z]{2,3}(-[a-z0-9]{2,8})?\Z")
COUNTRY = validate.Regexp(r"^[A-Z]{2}\Z")


def names(*, required: bool = True) -> fields.Dict:
    """Language → name in it; at least one."""
    text = fields.String(validate=plain_text(1, 200))
    return fields.Dict(
        required=required, validate=validate.Length(1, 20), keys=fields.String(validate=LANGUAGE), values=text
    )


CONSENT_VERSION = validate.Regexp(r"^[0-9a-z][0-9a-z.-]{0,31}\Z")


class Nothing(Shape):
    """Nothing needs to be said."""


class Consent(Shape):
    """A consent by its code and the version of its text."""

    code = classified(fields.String(required=True, validate=KEY), "internal")
    version = classified(fields.String(required=True, validate=CONSENT_VERSION), "internal")


class Party(Shape):
    """An organisation: id and key; the key is null until the directory told of it."""

    id = classified(fields.UUID(required=True), "public")
    key = classified(fields.String(required=True, allow_none=True), "public")


class ListQuery(Shape):
    """Where to go on, and how many."""

    cursor = classified(fields.String(load_default=None), "public")
    limit = classified(fields.Integer(load_default=DEFAULT, validate=validate.Range(1, MOST)), "public")
