"""Shapes of what staff do with one sign-up: answers by telephone, the conversation, consents, removing, moving on."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import Shape, classified
from services.groups.rules import intake, queue
from services.groups.rules.sessions import MOST
from services.groups.schemas.grouping import RosterLine
from services.groups.schemas.parts import Consent
from services.groups.schemas.reaching import Remark


class CallNow(Shape):
    """Offer a free seat to this man; somebody who is not the first of the queue only with a reason."""

    reason = classified(
        fields.String(load_default=None, allow_none=True, validate=validate.OneOf(queue.PASS_REASONS)), "internal"
    )


class IntakeStep(Shape):
    """A date agreed, a conversation held, an individual meeting, or a try that reached nobody."""

    kind = classified(fields.String(required=True, validate=validate.OneOf(intake.KINDS)), "internal")
    day = classified(fields.Date(required=True), "personal")


class Consents(Shape):
    """The consents that he gave, as his programme names them."""

    consents = classified(
        fields.List(fields.Nested(Consent), required=True, validate=validate.Length(1, 20)), "personal"
    )


class Redirecting(Shape):
    """Not this group now: why, and what comes next. No sentence: what was said stays in the conversation."""

    outcome = classified(fields.String(required=True, validate=validate.OneOf(intake.OUTCOMES)), "personal")
    next_step = classified(fields.String(required=True, validate=validate.OneOf(intake.NEXT_STEPS)), "personal")
    group_id = classified(fields.UUID(load_default=None, allow_none=True), "personal")
    referral_id = classified(fields.UUID(load_default=None, allow_none=True), "personal")


class Removal(Shape):
    """Why he cannot stay, as a code."""

    reason = classified(fields.String(required=True, validate=validate.OneOf(intake.REMOVAL_REASONS)), "personal")


class Transfer(Shape):
    """Another group of the same programme; he keeps his age in the queue."""

    group_id = classified(fields.UUID(required=True), "internal")


class IntakeEntry(Shape):
    """One entry of the conversation's record."""

    kind = classified(fields.String(required=True), "personal")
    day = classified(fields.Date(required=True), "personal")
    outcome = classified(fields.String(required=True, allow_none=True), "personal")
    next_step = classified(fields.String(required=True, allow_none=True), "personal")
    next_id = classified(fields.UUID(required=True, allow_none=True), "personal")


class HistoryLine(Shape):
    """One step of a sign-up; `reason` is a code."""

    transition = classified(fields.String(required=True), "internal")
    to_state = classified(fields.String(required=True), "internal")
    actor = classified(fields.String(required=True), "internal")
    reason = classified(fields.String(required=True, allow_none=True), "personal")
    at = classified(fields.AwareDateTime(required=True), "internal")


class ContactView(Shape):
    """How he can be reached and what he allows; all null where he comes by code only. Each look is on record."""

    signup_id = classified(fields.UUID(required=True), "internal")
    channel = classified(fields.String(required=True, allow_none=True), "personal")
    value = classified(fields.String(required=True, allow_none=True), "personal")
    safe = classified(fields.String(required=True, allow_none=True), "personal")
    may_call = classified(fields.Boolean(required=True, allow_none=True), "personal")
    may_text = classified(fields.Boolean(required=True, allow_none=True), "personal")
    may_leave_voicemail = classified(fields.Boolean(required=True, allow_none=True), "personal")
    may_say_who_we_are = classified(fields.Boolean(required=True, allow_none=True), "personal")


class PartnerStep(Shape):
    """Whether the step with the partner is done; who was asked and what was answered stands nowhere in groups."""

    done = classified(fields.Boolean(required=True, truthy={True}, falsy={False}), "personal")


class PartnerStepView(Shape):
    """The one word that others see."""

    signup_id = classified(fields.UUID(required=True), "internal")
    partner_step = classified(fields.String(required=True, validate=validate.OneOf(("open", "done"))), "personal")


class Completing(Shape):
    """Decide that he has finished; without a day it is today."""

    decided_on = classified(fields.Date(load_default=None, allow_none=True), "personal")


class Apology(Shape):
    """For which meeting he said that he will not come."""

    session_no = classified(fields.Integer(required=True, strict=True, validate=validate.Range(1, MOST)), "internal")


class TallyView(Shape):
    """His figures: meetings that count, of those attended, excused and absent, both shares in percent."""

    held = classified(fields.Integer(required=True), "personal")
    attended = classified(fields.Integer(required=True), "personal")
    excused = classified(fields.Integer(required=True), "personal")
    absent = classified(fields.Integer(required=True), "personal")
    minutes = classified(fields.Integer(required=True), "personal")
    attended_share = classified(fields.Integer(required=True), "personal")
    commitment_share = classified(fields.Integer(required=True), "personal")
    core_missing = classified(fields.List(fields.String(), required=True), "personal")
    rule_met = classified(fields.Boolean(required=True), "personal")
    too_often_absent = classified(fields.Boolean(required=True), "personal")


class ReportView(Shape):
    """The counts as they were signed; a referrer may have them once both signatures are there."""

    report_id = classified(fields.UUID(required=True), "internal")
    held = classified(fields.Integer(required=True), "personal")
    attended = classified(fields.Integer(required=True), "personal")
    excused = classified(fields.Integer(required=True), "personal")
    absent = classified(fields.Integer(required=True), "personal")
    signatures = classified(fields.Integer(required=True), "internal")


class SignUpRecord(RosterLine):
    """A sign-up as staff work with it; fields that somebody may not see are absent."""

    consents = classified(fields.List(fields.Nested(Consent)), "personal")
    missing_consents = classified(fields.List(fields.Nested(Consent)), "personal")
    meetings = classified(fields.Integer(), "personal")
    attempts = classified(fields.Integer(), "personal")
    attendance = classified(fields.Nested(TallyView, allow_none=True), "personal")
    report = classified(fields.Nested(ReportView, allow_none=True), "personal")
    removal = classified(fields.String(allow_none=True), "personal")
    entries = classified(fields.List(fields.Nested(IntakeEntry)), "personal")
    history = classified(fields.List(fields.Nested(HistoryLine)), "personal")
    remarks = classified(fields.List(fields.Nested(Remark)), "personal")


class AwaitingLine(Shape):
    """A man whose conversation is still to come."""

    signup_id = classified(fields.UUID(required=True), "internal")
    group_id = classified(fields.UUID(required=True), "internal")
    group_names = classified(fields.Dict(required=True), "public")
    alias = classified(fields.String(required=True), "personal")
    language = classified(fields.String(required=True, allow_none=True), "personal")
    reachable = classified(fields.Boolean(required=True), "internal")
    deadline = classified(fields.AwareDateTime(required=True, allow_none=True), "internal")
    overdue = classified(fields.Boolean(required=True), "internal")
    booked_on = classified(fields.Date(required=True, allow_none=True), "personal")
    attempts = classified(fields.Integer(required=True), "personal")
    version = classified(fields.Integer(required=True), "internal")


INTAKE_EXAMPLE = {"kind": "attempt", "day": "2026-11-02"}
CONSENTS_EXAMPLE = {"consents": [{"code": "group-rules", "version": "1"}]}
REDIRECT_EXAMPLE = {"outcome": "language", "next_step": "information"}
REMOVAL_EXAMPLE = {"reason": "absence_rule"}
TRANSFER_EXAMPLE = {"group_id": "018f0000-0000-7000-8000-000000000001"}
APOLOGY_EXAMPLE = {"session_no": 2}
