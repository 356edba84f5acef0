"""Shapes of the legal basis of a referral and of the templates that an officer approves (referrals.md section 10)."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from chassis.schema import Shape, classified, plain_text
from services.referrals.rules import codes, legal, templates

NAME = validate.Regexp(r"^[a-z0-9][a-z0-9_-]{0,63}\Z")
LANGUAGE = validate.Regexp(r"^[a-z]{2,3}(-[a-z0-9]{2,8})?\Z")
SHORT = plain_text(1, 200)
REFERENCE = plain_text(1, 100)
SENTENCE = plain_text(1, 500)
LONGEST_DAYS = 3650


def _text(kind: str, form: list[Any]) -> fields.String:
    return classified(fields.String(validate=form, load_default=None, allow_none=True), kind)


def _code(kind: str, allowed: tuple[str, ...]) -> fields.String:
    return classified(fields.String(validate=validate.OneOf(allowed), load_default=None, allow_none=True), kind)


def _chosen(kind: str, allowed: tuple[str, ...]) -> fields.String:
    return classified(fields.String(validate=validate.OneOf(allowed), required=True), kind)


def _day(kind: str) -> fields.Date:
    return classified(fields.Date(load_default=None, allow_none=True), kind)


class Article10(Shape):
    """Whether it holds data on offences, and the law that authorises them; consent does not cure it."""

    contains_offence_data = classified(fields.Boolean(required=True, truthy={True}, falsy={False}), "offence")
    authorising_law = _text("public", SENTENCE)


class Consent(Shape):
    """When, how and for whom the person consented; what is left out, the template and the day say."""

    given_at = _day("sealed")
    method = _code("sealed", legal.METHODS)
    taken_by = _text("sealed", SHORT)
    scope_orgs = classified(
        fields.List(
            fields.String(validate=REFERENCE), load_default=None, allow_none=True, validate=validate.Length(1, 50)
        ),
        "sealed",
    )
    scope_data = classified(
        fields.List(
            fields.String(validate=validate.OneOf(legal.SCOPE_DATA)),
            load_default=None,
            allow_none=True,
            validate=validate.Length(1, len(legal.SCOPE_DATA)),
        ),
        "sealed",
    )
    onward_sharing = _code("sealed", legal.ONWARD)
    valid_until = _day("sealed")
    withdrawn_at = _day("sealed")


class Informed(Shape):
    """Whether the person knows of it, when, by whom and how he was told, and in which language."""

    answer = _code("sealed", codes.INFORMED)
    at = _day("sealed")
    by = _text("sealed", SHORT)
    how = _text("sealed", SHORT)
    language = classified(fields.String(load_default=None, allow_none=True, validate=LANGUAGE), "sealed")


class LegalBasis(Shape):
    """Nothing at all (the default template), a template by name with what belongs to the case, or all of it by hand."""

    template = classified(fields.String(load_default=None, allow_none=True, validate=NAME), "internal")
    kind = _code("sealed", legal.KINDS)
    gdpr6 = _code("internal", legal.GDPR6)
    gdpr9 = _code("internal", legal.GDPR9)
    gdpr10 = classified(fields.Nested(Article10, load_default=None, allow_none=True), "offence")
    reference = _text("offence", REFERENCE)
    issued_by = _text("sealed", SHORT)
    issued_on = _day("sealed")
    valid_until = _day("sealed")
    consent = classified(fields.Nested(Consent, load_default=None, allow_none=True), "sealed")
    person_informed = classified(fields.Nested(Informed, load_default=None, allow_none=True), "sealed")
    without_consent_reason = _text("sealed", SENTENCE)
    approved_by = _text("sealed", SHORT)


class _ShownArticle10(Shape):
    contains_offence_data = classified(fields.Boolean(), "offence")
    authorising_law = classified(fields.String(allow_none=True), "public")


class _ShownConsent(Shape):
    given_at = classified(fields.String(), "sealed")  # days as they were sealed: ISO dates
    method = classified(fields.String(), "sealed")
    taken_by = classified(fields.String(), "sealed")
    scope_orgs = classified(fields.List(fields.String()), "sealed")
    scope_data = classified(fields.List(fields.String()), "sealed")
    onward_sharing = classified(fields.String(), "sealed")
    valid_until = classified(fields.String(allow_none=True), "sealed")
    withdrawn_at = classified(fields.String(allow_none=True), "sealed")


class _ShownInformed(Shape):
    answer = classified(fields.String(), "sealed")
    at = classified(fields.String(allow_none=True), "sealed")
    by = classified(fields.String(allow_none=True), "sealed")
    how = classified(fields.String(allow_none=True), "sealed")
    language = classified(fields.String(allow_none=True), "sealed")


class LegalBasisView(Shape):
    """The basis as it is in force; the receiver does not get the sender's own approvals nor the names of his staff."""

    template = classified(fields.String(allow_none=True), "internal")
    template_version = classified(fields.Integer(allow_none=True), "internal")
    kind = classified(fields.String(), "sealed")
    gdpr6 = classified(fields.String(), "internal")
    gdpr9 = classified(fields.String(), "internal")
    gdpr10 = classified(fields.Nested(_ShownArticle10, allow_none=True), "offence")
    reference = classified(fields.String(allow_none=True), "offence")
    issued_by = classified(fields.String(allow_none=True), "sealed")
    issued_on = classified(fields.String(allow_none=True), "sealed")
    valid_until = classified(fields.String(allow_none=True), "sealed")
    consent = classified(fields.Nested(_ShownConsent, allow_none=True), "sealed")
    person_informed = classified(fields.Nested(_ShownInformed, allow_none=True), "sealed")
    without_consent_reason = classified(fields.String(allow_none=True), "sealed")
    approved_by = classified(fields.String(allow_none=True), "sealed")


class Template(Shape):
    """What an officer approves: the kind, its articles, the law, and what a consent under it means."""

    names = classified(
        fields.Dict(
            load_default=dict,
            validate=validate.Length(0, 20),
            keys=fields.String(validate=LANGUAGE),
            values=fields.String(validate=SHORT),
        ),
        "internal",
    )
    kind = _chosen("internal", legal.KINDS)
    gdpr6 = _chosen("internal", legal.GDPR6)
    gdpr9 = _chosen("internal", legal.GDPR9)
    contains_offence_data = classified(fields.Boolean(load_default=False, truthy={True}, falsy={False}), "internal")
    authorising_law = _text("internal", SENTENCE)
    without_consent_reason = _text("internal", SENTENCE)
    consent_method = _code("internal", legal.METHODS)
    consent_days = classified(
        fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(1, LONGEST_DAYS)),
        "internal",
    )
    onward_sharing = _code("internal", legal.ONWARD)
    default_for = _code("internal", templates.USES)
    active = classified(fields.Boolean(load_default=True, truthy={True}, falsy={False}), "internal")


class NewTemplate(Template):
    """A template under a name of its own."""

    name = classified(fields.String(required=True, validate=NAME), "internal")


class Standard(Shape):
    """Approve the product's ready-made templates; without a law they do not cover data on offences.

    `onward_sharing`: whether a receiver may pass on what came by consent.
    """

    authorising_law = _text("internal", SENTENCE)
    onward_sharing = classified(
        fields.String(load_default="ask_sender", validate=validate.OneOf(legal.ONWARD)), "internal"
    )


class TemplateView(NewTemplate):
    """A template in its newest version, and who approved it when."""

    version = classified(fields.Integer(required=True), "internal")
    approved_by = classified(fields.String(required=True), "internal")
    approved_at = classified(fields.AwareDateTime(required=True), "internal")


TEMPLATE_EXAMPLE: dict[str, Any] = {
    "names": {"en": "Probation condition"},
    "kind": "probation_condition",
    "gdpr6": "c",
    "gdpr9": "g",
    "contains_offence_data": True,
    "authorising_law": "DEMO: the law that your officer names.",
}
NEW_TEMPLATE_EXAMPLE = {**TEMPLATE_EXAMPLE, "name": "demo-condition"}
STANDARD_EXAMPLE = {"authorising_law": "DEMO: the law that your officer names."}
