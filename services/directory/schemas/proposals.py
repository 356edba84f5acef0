"""Shapes of proposed changes: what is asked for, who stands behind it, what is on paper (directory.md section 5)."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from chassis.paging import DEFAULT, MOST
from chassis.schema import Fault, Shape, classified, plain_text
from services.directory.rules import approval
from services.directory.rules.sections import BY_NAME

INTERNAL = "internal"
REASON = plain_text(1, 1000, lines=True)
SHORT = plain_text(1, 300)
SECTION = validate.OneOf(list(BY_NAME))
MARK = validate.Length(1, 300)


def _text(*, required: bool = True) -> fields.String:
    return classified(fields.String(required=required, allow_none=not required), INTERNAL)


def _at() -> fields.AwareDateTime:
    return classified(fields.AwareDateTime(required=True, allow_none=True), INTERNAL)


class NewProposal(Shape):
    """A change of one row: its section, what tells it apart and the fields that change; null empties a field."""

    section = classified(fields.String(required=True, validate=SECTION), "public")
    row = classified(
        fields.Dict(
            keys=fields.String(validate=validate.Length(1, 100)),
            required=True,
            metadata={"description": "Fields in the words of a directory file; what is not named stays."},
        ),
        INTERNAL,
    )
    based_on = classified(
        fields.Integer(
            required=True,
            strict=True,
            validate=validate.Range(0),
            metadata={"description": "The version that was read; 0 when it is new, 1 for what has no version."},
        ),
        "public",
    )
    reason = classified(fields.String(required=True, validate=REASON), INTERNAL)

    @validates_schema
    def knows_the_fields(self, value: dict[str, Any], **_: object) -> None:
        """Each field is one of the section; what its value may be is judged with the whole row."""
        known = {field.name.partition(".")[0] for field in BY_NAME[value["section"]].fields}
        unknown = [name for name in value["row"] if name not in known]
        if unknown:
            fault = f"This field is not known here; the fields are {', '.join(sorted(known))}."
            raise ValidationError({"row": {name: [Fault("unknown", fault)] for name in unknown}})


class Evidence(Shape):
    """What was seen or done: a register entry, a written agreement, a call back. No names of persons."""

    kind = classified(fields.String(required=True, validate=validate.OneOf(approval.EVIDENCE)), INTERNAL)
    reference = classified(
        fields.String(
            required=True,
            validate=SHORT,
            metadata={"description": "Where it can be found again: number of the entry, of the document, of the note."},
        ),
        INTERNAL,
    )
    number = classified(
        fields.String(
            load_default=None,
            allow_none=True,
            validate=validate.Regexp(r"\A\+[1-9][0-9]{5,14}\Z", error="A phone number such as +37060000000."),
            metadata={"description": "For a call back: the number that was called."},
        ),
        INTERNAL,
    )
    source = classified(
        fields.String(
            load_default=None,
            allow_none=True,
            validate=SHORT,
            metadata={"description": "Where that number was found."},
        ),
        INTERNAL,
    )


class Nothing(Shape):
    """No content: everything is said by the path."""


class Because(Shape):
    """Why."""

    reason = classified(fields.String(required=True, validate=REASON), INTERNAL)


class ProposalQuery(Shape):
    """Which proposals."""

    state = classified(fields.String(load_default=None, validate=validate.OneOf(approval.STATES)), "public")
    section = classified(fields.String(load_default=None, validate=SECTION), "public")
    mark = classified(fields.String(load_default=None, validate=MARK), "public")
    cursor = classified(fields.String(load_default=None), "public")
    limit = classified(fields.Integer(load_default=DEFAULT, validate=validate.Range(1, MOST)), "public")


class ProposalLine(Shape):
    """A proposal in a list. `mark` is its row's key, or what else tells the row apart, with bars between."""

    id = classified(fields.UUID(required=True), INTERNAL)
    section = _text()
    mark = _text()
    organisation = _text(required=False)
    weight = _text()
    is_new = classified(fields.Boolean(required=True), INTERNAL)
    reason = _text()
    proposed_by = _text()
    proposed_at = _at()
    state = classified(fields.String(required=True, validate=validate.OneOf(approval.STATES)), INTERNAL)
    due_at = _at()
    ended_at = _at()
    version = classified(fields.Integer(required=True), INTERNAL)


class Change(Shape):
    """One field: what it said when this was proposed, and what it is to say."""

    field = _text()
    before = classified(fields.Raw(required=True, allow_none=True), INTERNAL)
    after = classified(fields.Raw(required=True, allow_none=True), INTERNAL)


class Step(Shape):
    """An approval, or a piece of evidence."""

    kind = _text()
    reference = _text(required=False)
    number = _text(required=False)
    source = _text(required=False)
    by_subject = classified(fields.String(required=True, data_key="by"), INTERNAL)
    by_keeper = classified(fields.Boolean(required=True), INTERNAL)
    at = _at()


class ProposalView(ProposalLine):
    """A proposal with its change, and what it still lacks.

    `missing`: kinds of evidence, and second_person, keeper, second_keeper or own_second_person; `conflicts`: fields
    that somebody else has changed since; `call_back_on`: the numbers of which one is to be called.
    """

    changes = classified(fields.List(fields.Nested(Change), required=True), INTERNAL)
    steps = classified(fields.List(fields.Nested(Step), required=True), INTERNAL)
    missing = classified(fields.List(fields.String(), required=True), INTERNAL)
    conflicts = classified(fields.List(fields.String(), required=True), INTERNAL)
    allowed_actions = classified(fields.List(fields.String(), required=True), INTERNAL)
    call_back_on = classified(fields.List(fields.String(), required=True), INTERNAL)
    ended_by = _text(required=False)
    ended_because = _text(required=False)


class HistoryQuery(Shape):
    """A page; newest first."""

    cursor = classified(fields.Integer(load_default=None, validate=validate.Range(1, 2**63 - 1)), "public")
    limit = classified(fields.Integer(load_default=DEFAULT, validate=validate.Range(1, MOST)), "public")


class HistoryLine(Shape):
    """One field that was set or changed: when, by whom, from what to what."""

    at = _at()
    by = _text()
    action = _text()
    field = _text()
    before = classified(fields.Raw(required=True, allow_none=True), INTERNAL)
    after = classified(fields.Raw(required=True, allow_none=True), INTERNAL)


PROPOSAL_EXAMPLE = {
    "section": "services",
    "row": {"key": "lt-kavkc-behaviour-change", "languages": ["lt", "en"]},
    "based_on": 1,
    "reason": "A second facilitator speaks English.",
}
EVIDENCE_EXAMPLE = {
    "kind": "call_back",
    "reference": "note 2026-114",
    "number": "+37060000000",
    "source": "the register of legal entities",
}
BECAUSE_EXAMPLE = {"reason": "The number is not ours."}
