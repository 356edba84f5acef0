"""Shapes of an import over HTTP: a directory document in, a report out; all of it is public."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from chassis.schema import Shape, classified
from services.directory.rules.document import LONGEST_ABOUT, MOST_ROWS

PUBLIC = "public"
TRUE, FALSE = {"true", "1", True}, {"false", "0", False}


def _rows() -> fields.List[Any]:
    # each row is judged by the rules of its section, with a pointer to what does not fit
    return classified(fields.List(fields.Dict(keys=fields.String()), validate=validate.Length(max=MOST_ROWS)), PUBLIC)


class ImportQuery(Shape):
    """Whether to write."""

    dry_run = classified(fields.Boolean(load_default=False, truthy=TRUE, falsy=FALSE), PUBLIC)


class DirectoryDocument(Shape):
    """A directory document, as the export has it."""

    about = classified(fields.String(validate=validate.Length(1, LONGEST_ABOUT)), PUBLIC)
    organisations = _rows()
    locations = _rows()
    services = _rows()
    memberships = _rows()
    initiatives = _rows()
    indicators = _rows()
    licences = _rows()
    facilitators = _rows()
    network_facts = _rows()


def _count() -> fields.Integer:
    return classified(fields.Integer(required=True), PUBLIC)


class CountView(Shape):
    """Rows of one section."""

    created = _count()
    changed = _count()
    unchanged = _count()


class ImportView(Shape):
    """What an import did or would do; `id` is that of the import, none for a dry run."""

    id = classified(fields.UUID(required=True, allow_none=True), PUBLIC)
    dry_run = classified(fields.Boolean(required=True), PUBLIC)
    counts = classified(fields.Dict(keys=fields.String(), values=fields.Nested(CountView), required=True), PUBLIC)
    changes = _count()
    events = _count()
    notes = classified(fields.List(fields.String(), required=True), PUBLIC)


IMPORT_EXAMPLE = {
    "organisations": [
        {"key": "lt-example-house", "type": "crisis_centre", "country": "LT", "names": {"lt": "Pavyzdžio namai"}}
    ],
    "services": [
        {
            "key": "lt-example-house-line",
            "organisation": "lt-example-house",
            "kind": "helpline",
            "coverage": ["LT:Kaunas"],
            "names": {"lt": "Pavyzdžio linija"},
        }
    ],
}
