"""The routes of legal bases: templates that an officer approves, child concerns, the restricted part."""

from __future__ import annotations

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.referrals import schemas as referrals
from services.referrals.schemas import concerns as concern_schemas
from services.referrals.schemas import legal as schemas
from services.referrals.schemas import restricted as restricted_schemas
from services.referrals.usecases import concerns, restricted, templates


class Legal:
    """On what basis data are sent, and what nobody on the man's side reads."""

    db: Database

    @route(
        "GET",
        "/referrals/legal-templates",
        operation="legal_template.list",
        answers=schemas.TemplateView,
        many=True,
        summary="My organisation's templates of legal bases, each in its newest version",
    )
    def legal_templates(self, call: Call) -> Outcome:
        """List the templates."""
        return templates.listed(self.db, call)

    @route(
        "POST",
        "/referrals/legal-templates",
        operation="legal_template.approve",
        body=schemas.NewTemplate,
        answers=schemas.TemplateView,
        status=201,
        changes=True,
        example=schemas.NEW_TEMPLATE_EXAMPLE,
        summary="Approve a new template of a legal basis, as data-protection officer",
    )
    def approve_template(self, call: Call) -> Outcome:
        """Approve one."""
        return templates.approve(self.db, call)

    @route(
        "POST",
        "/referrals/legal-templates/standard",
        operation="legal_template.standard",
        body=schemas.Standard,
        answers=schemas.TemplateView,
        many=True,
        changes=True,
        example=schemas.STANDARD_EXAMPLE,
        summary="Approve the ready-made templates at once, with the law that authorises data on offences",
    )
    def approve_standard_templates(self, call: Call) -> Outcome:
        """Approve the ready-made ones."""
        return templates.approve_standard(self.db, call)

    @route(
        "PUT",
        "/referrals/legal-templates/<name>",
        operation="legal_template.replace",
        body=schemas.Template,
        answers=schemas.TemplateView,
        changes=True,
        needs_version=True,
        example=schemas.TEMPLATE_EXAMPLE,
        summary="Approve the next version of a template, or take it out of use",
    )
    def replace_template(self, call: Call) -> Outcome:
        """Approve the next version."""
        return templates.replace(self.db, call)

    @route(
        "GET",
        "/referrals/child-concerns",
        operation="referral.concerns",
        query=referrals.ListQuery,
        answers=referrals.ReferralSummary,
        many=True,
        summary="Child concerns that I wrote, lead on, or received for an authority; they are in no other list",
    )
    def child_concerns(self, call: Call) -> Outcome:
        """List concerns."""
        return concerns.listed(self.db, call)

    @route(
        "POST",
        "/referrals/<uuid:referral_id>/raise_safeguarding",
        operation="referral.raise_safeguarding",
        body=concern_schemas.Safeguarding,
        answers=referrals.ReferralView,
        status=201,
        changes=True,
        example=concern_schemas.SAFEGUARDING_EXAMPLE,
        summary="Raise a separate concern for a child; this referral shows nothing of it",
    )
    def raise_safeguarding(self, call: Call) -> Outcome:
        """Raise a concern."""
        return concerns.raise_safeguarding(self.db, call)

    @route(
        "GET",
        "/referrals/<uuid:referral_id>/restricted",
        operation="restricted.read",
        answers=restricted_schemas.RestrictedView,
        summary="What the case holds on victim or partner; for partner safety alone",
    )
    def restricted_part(self, call: Call) -> Outcome:
        """Read the restricted part."""
        return restricted.read(self.db, call)

    @route(
        "PUT",
        "/referrals/<uuid:referral_id>/restricted",
        operation="restricted.write",
        body=restricted_schemas.RestrictedPart,
        answers=restricted_schemas.RestrictedView,
        changes=True,
        needs_version=True,
        example=restricted_schemas.RESTRICTED_EXAMPLE,
        summary="Put what the case holds on victim or partner; for partner safety alone",
    )
    def put_restricted_part(self, call: Call) -> Outcome:
        """Put the restricted part."""
        return restricted.write(self.db, call)
