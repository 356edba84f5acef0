"""Routes of the lifecycle: one for each transition that a party takes, made from the table of transitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.referrals import schemas, usecases
from services.referrals.schemas.transitions import EXAMPLES, SHAPES, Resending

SUMMARIES = {
    "acknowledge": "Confirm receipt",
    "request_info": "Ask the sender something and wait for the answer",
    "provide_info": "Answer the receiver's question",
    "start_assessment": "Begin to assess whether the service suits",
    "accept": "Take the person",
    "decline": "Say no before the start, with a reason code",
    "forward": "Pass it on to another service; the sender is not told which",
    "waitlist": "Put the person on the waiting list",
    "offer_place": "Offer a place to somebody on the waiting list",
    "start": "Say that the service has started",
    "return_to_list": "Put somebody who had started back on the waiting list",
    "hold": "Pause, with a reason and a day of review",
    "resume": "Go on after a pause",
    "complete": "Say that the service was delivered, and what came of it",
    "end": "Say that it stopped early, with a reason code",
    "withdraw": "Take the referral back",
    "revoke_consent": "Record that the person withdrew consent",
    "revive": "Send an expired referral to the same receiver again",
    "reopen": "Open a case again that ended within thirty days",
    "undo_decision": "Take back the acceptance or refusal of the last 24 hours",
    "mark_error": "Mark as entered in error: the sender before receipt, later the officers of both parties",
    "close_concern": "Close a child concern, with what was done",
}
Method = Callable[[Any, Call], Outcome]


def transition(action: str) -> Method:
    """The method that answers POST /referrals/{id}/{action}."""

    @route(
        "POST",
        f"/referrals/<uuid:referral_id>/{action}",
        operation=f"referral.{action}",
        body=SHAPES[action],
        answers=schemas.ReferralView,
        changes=True,
        needs_version=True,
        example=EXAMPLES[action],
        summary=SUMMARIES[action],
    )
    def method(self: Transitions, call: Call) -> Outcome:
        return usecases.move(self.db, call, action)

    method.__name__ = action
    method.__doc__ = f"{SUMMARIES[action]}."
    return method


class Transitions:
    """One route for each transition."""

    db: Database

    acknowledge = transition("acknowledge")
    request_info = transition("request_info")
    provide_info = transition("provide_info")
    start_assessment = transition("start_assessment")
    accept = transition("accept")
    decline = transition("decline")
    forward = transition("forward")
    waitlist = transition("waitlist")
    offer_place = transition("offer_place")
    start = transition("start")
    return_to_list = transition("return_to_list")
    hold = transition("hold")
    resume = transition("resume")
    complete = transition("complete")
    end = transition("end")
    withdraw = transition("withdraw")
    revoke_consent = transition("revoke_consent")
    revive = transition("revive")
    reopen = transition("reopen")
    undo_decision = transition("undo_decision")
    mark_error = transition("mark_error")
    close_concern = transition("close_concern")

    @route(
        "POST",
        "/referrals/<uuid:referral_id>/resend",
        operation="referral.resend",
        body=Resending,
        answers=schemas.ReferralView,
        status=201,
        changes=True,
        example={"service": "lt-kapvc-consultations"},
        summary="Send a referral that ended to another receiver, as a new leg of the same episode",
    )
    def resend(self, call: Call) -> Outcome:
        """Send again elsewhere."""
        return usecases.resend(self.db, call)
