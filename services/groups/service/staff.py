"""The routes by which staff work with one sign-up: answers by telephone, the conversation, consents, removing."""

from __future__ import annotations

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.groups import schemas
from services.groups.schemas import staff as shapes
from services.groups.schemas.parts import Nothing
from services.groups.usecases import partner_steps, referred, staff

SIGN_UP = "/groups/<uuid:group_id>/signups/<uuid:signup_id>"


class Staff:
    """Steps of one sign-up that a member of staff takes."""

    db: Database

    @route(
        "GET",
        SIGN_UP,
        operation="signup.read",
        answers=shapes.SignUpRecord,
        summary="One sign-up as its staff may see it",
    )
    def read_sign_up(self, call: Call) -> Outcome:
        """Show a sign-up."""
        return staff.read(self.db, call)

    @route(
        "GET",
        f"{SIGN_UP}/contact",
        operation="signup.contact",
        answers=shapes.ContactView,
        summary="How a man can be reached; each look is on record",
    )
    def contact(self, call: Call) -> Outcome:
        """Show the contact."""
        return staff.contact(self.db, call)

    @route(
        "POST",
        f"{SIGN_UP}/offer",
        operation="signup.call_now",
        body=shapes.CallNow,
        answers=shapes.SignUpRecord,
        changes=True,
        needs_version=True,
        example={},
        summary="Offer a free seat now; before the head of the queue only with a reason",
    )
    def call_now(self, call: Call) -> Outcome:
        """Offer a seat."""
        return staff.call_now(self.db, call)

    @route(
        "POST",
        f"{SIGN_UP}/offer/accept",
        operation="signup.answer",
        body=Nothing,
        answers=shapes.SignUpRecord,
        changes=True,
        needs_version=True,
        example={},
        summary="Take the offered seat on his word, as on the telephone",
    )
    def accept_for_him(self, call: Call) -> Outcome:
        """Take the seat for him."""
        return staff.accept(self.db, call)

    @route(
        "POST",
        f"{SIGN_UP}/offer/decline",
        operation="signup.answer",
        body=Nothing,
        answers=shapes.SignUpRecord,
        changes=True,
        needs_version=True,
        example={},
        summary="Say no to the offered seat on his word",
    )
    def decline_for_him(self, call: Call) -> Outcome:
        """Say no for him."""
        return staff.decline(self.db, call)

    @route(
        "POST",
        f"{SIGN_UP}/withdraw",
        operation="signup.leave",
        body=Nothing,
        answers=shapes.SignUpRecord,
        changes=True,
        needs_version=True,
        example={},
        summary="Leave on his word; no reason is asked for",
    )
    def withdraw_for_him(self, call: Call) -> Outcome:
        """Leave for him."""
        return staff.withdraw(self.db, call)

    @route(
        "POST",
        f"{SIGN_UP}/intake",
        operation="signup.intake",
        body=shapes.IntakeStep,
        answers=shapes.SignUpRecord,
        changes=True,
        example=shapes.INTAKE_EXAMPLE,
        summary="Write down a step of the conversation: a day agreed, held, a try that reached nobody",
    )
    def record_intake(self, call: Call) -> Outcome:
        """Write down a step."""
        return staff.record_intake(self.db, call)

    @route(
        "POST",
        f"{SIGN_UP}/consents",
        operation="signup.consent",
        body=shapes.Consents,
        answers=shapes.SignUpRecord,
        changes=True,
        example=shapes.CONSENTS_EXAMPLE,
        summary="Write down the consents that he gave, with the version of their text",
    )
    def give_consents(self, call: Call) -> Outcome:
        """Write down consents."""
        return staff.give_consents(self.db, call)

    @route(
        "POST",
        f"{SIGN_UP}/confirm",
        operation="signup.confirm",
        body=Nothing,
        answers=shapes.SignUpRecord,
        changes=True,
        needs_version=True,
        example={},
        summary="The group suits him: the seat is his",
    )
    def confirm(self, call: Call) -> Outcome:
        """Confirm."""
        return staff.confirm(self.db, call)

    @route(
        "POST",
        f"{SIGN_UP}/redirect",
        operation="signup.redirect",
        body=shapes.Redirecting,
        answers=shapes.SignUpRecord,
        changes=True,
        needs_version=True,
        example=shapes.REDIRECT_EXAMPLE,
        summary="Not this group now; what comes next is compulsory",
    )
    def redirect(self, call: Call) -> Outcome:
        """Redirect."""
        return staff.redirect(self.db, call)

    @route(
        "POST",
        f"{SIGN_UP}/propose-removal",
        operation="signup.propose_removal",
        body=shapes.Removal,
        answers=shapes.SignUpRecord,
        changes=True,
        example=shapes.REMOVAL_EXAMPLE,
        summary="Propose that he cannot stay; a coordinator decides",
    )
    def propose_removal(self, call: Call) -> Outcome:
        """Propose."""
        return staff.propose_removal(self.db, call)

    @route(
        "POST",
        f"{SIGN_UP}/remove",
        operation="signup.remove",
        body=shapes.Removal,
        answers=shapes.SignUpRecord,
        changes=True,
        needs_version=True,
        example=shapes.REMOVAL_EXAMPLE,
        summary="Decide that he cannot stay, as somebody else proposed",
    )
    def remove(self, call: Call) -> Outcome:
        """Remove."""
        return staff.remove(self.db, call)

    @route(
        "POST",
        f"{SIGN_UP}/complete",
        operation="signup.complete",
        body=shapes.Completing,
        answers=shapes.SignUpRecord,
        changes=True,
        needs_version=True,
        example={},
        summary="Decide that he has finished; the programme's rule is shown beside it, and does not decide",
    )
    def complete(self, call: Call) -> Outcome:
        """Complete."""
        return staff.complete(self.db, call)

    @route(
        "POST",
        f"{SIGN_UP}/apology",
        operation="signup.apologise",
        body=shapes.Apology,
        answers=shapes.SignUpRecord,
        changes=True,
        example=shapes.APOLOGY_EXAMPLE,
        summary="He said beforehand that he will not come to a meeting",
    )
    def apologise_for_him(self, call: Call) -> Outcome:
        """Apologise for him."""
        return staff.apologise(self.db, call)

    @route(
        "POST",
        f"{SIGN_UP}/partner-step",
        operation="signup.partner_step",
        body=shapes.PartnerStep,
        answers=shapes.PartnerStepView,
        changes=True,
        example={"done": True},
        summary="The step with the partner is done, or open again; others see this one word",
    )
    def set_partner_step(self, call: Call) -> Outcome:
        """Set the step."""
        return partner_steps.set_step(self.db, call)

    @route(
        "POST",
        f"{SIGN_UP}/report/sign",
        operation="report.sign",
        body=Nothing,
        answers=shapes.SignUpRecord,
        changes=True,
        example={},
        summary="Sign how often he came; with a second signature the referrer may have the counts",
    )
    def sign_report(self, call: Call) -> Outcome:
        """Sign a report."""
        return referred.sign_report(self.db, call)

    @route(
        "POST",
        "/groups/<uuid:group_id>/signups",
        operation="signup.create_for",
        body=schemas.SignUpForHim,
        answers=schemas.NewSignUpView,
        status=201,
        changes=True,
        example=schemas.FOR_HIM_EXAMPLE,
        summary="Sign a man up on his word, with the referral that he comes from",
    )
    def sign_up_for_him(self, call: Call) -> Outcome:
        """Sign him up."""
        return referred.sign_up_for_him(self.db, call)

    @route(
        "GET",
        "/groups/intake",
        operation="signup.awaiting_intake",
        answers=shapes.AwaitingLine,
        many=True,
        summary="Whose conversation is still to come, the most urgent first",
    )
    def awaiting_intake(self, call: Call) -> Outcome:
        """List who waits for a conversation."""
        return staff.awaiting_intake(self.db, call)
