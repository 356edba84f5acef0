"""What may be asked of the HSDS routes; a parameter that a route does not have is refused (directory.md section 3)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from marshmallow import ValidationError, fields, post_load, validate

from chassis.schema import Fault, Shape, classified

PER_PAGE, MOST = 50, 1000
TRUE, FALSE = {"true", "1", True}, {"false", "0", False}


def _flag() -> fields.Boolean:
    return classified(fields.Boolean(load_default=False, truthy=TRUE, falsy=FALSE), "public")


def _id() -> fields.UUID:
    return classified(fields.UUID(load_default=None), "public")


class PageQuery(Shape):
    """Words and a page."""

    search = classified(fields.String(load_default=None, validate=validate.Length(1, 100)), "public")
    page = classified(fields.Integer(load_default=1, validate=validate.Range(1, 100_000)), "public")
    per_page = classified(fields.Integer(load_default=PER_PAGE, validate=validate.Range(1, MOST)), "public")
    format = classified(fields.String(load_default="json", validate=validate.OneOf(("json",))), "public")


class _Filtered(PageQuery):
    taxonomy_term_id = _id()
    taxonomy_id = _id()
    organization_id = _id()
    modified_after = classified(
        fields.String(
            load_default=None,
            validate=validate.Regexp(r"^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?\Z"),
        ),
        "public",
    )
    full = _flag()

    @post_load
    def moments(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        """A day or a time; without an offset it is UTC."""
        text = data["modified_after"]
        if text is None:
            return data
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError as error:
            detail = Fault("date", "A day or a time such as 2026-11-26T12:00:00Z.")
            raise ValidationError({"modified_after": [detail]}) from error
        return {**data, "modified_after": moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)}


class ServicesQuery(_Filtered):
    """Which services, and how much of each."""

    minimal = _flag()


class ServiceAtLocationsQuery(_Filtered):
    """Which services at a place."""

    postcode = classified(fields.String(load_default=None, validate=validate.Length(1, 20)), "public")
    proximity = classified(fields.Integer(load_default=None, validate=validate.Range(0, 1_000_000)), "public")


class OrganizationsQuery(PageQuery):
    """Which organisations, and how much of each."""

    full = _flag()
    full_service = _flag()


class OrganizationQuery(Shape):
    """How much of its services."""

    full_service = _flag()


class TermsQuery(PageQuery):
    """Which terms."""

    taxonomy_id = _id()
    top_only = _flag()
    parent_id = _id()
