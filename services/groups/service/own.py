"""The routes of a man's card besides the offer: his contact, erasing."""

from __future__ import annotations

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.groups import schemas
from services.groups.usecases import contact_checks, own_erasing, own_more, signing_up

CARD = "/signups/<uuid:signup_id>"


class Own:
    """What a man does by code and PIN."""

    db: Database

    @route(
        "POST",
        f"{CARD}/contact",
        operation="signup.own_contact",
        public=True,
        body=schemas.ConfirmContact,
        answers=schemas.SignUpView,
        changes=True,
        example=schemas.CARD_EXAMPLE,
        summary="Confirm my contact by the digits of the mail, or have them sent again",
    )
    def confirm_own_contact(self, call: Call) -> Outcome:
        """Confirm a contact."""
        return contact_checks.confirm(self.db, call)

    @route(
        "POST",
        f"{CARD}/erase",
        operation="signup.own_erasing",
        public=True,
        body=schemas.Card,
        answers=schemas.SignUpView,
        changes=True,
        example=schemas.CARD_EXAMPLE,
        summary="Erase everything of me in 48 hours",
    )
    def ask_erasing(self, call: Call) -> Outcome:
        """Ask for erasing."""
        return own_erasing.ask(self.db, call)

    @route(
        "POST",
        f"{CARD}/erase/undo",
        operation="signup.own_erasing",
        public=True,
        body=schemas.Card,
        answers=schemas.SignUpView,
        changes=True,
        example=schemas.CARD_EXAMPLE,
        summary="Do not erase me after all",
    )
    def take_back_erasing(self, call: Call) -> Outcome:
        """Take it back."""
        return own_erasing.take_back(self.db, call)

    @route(
        "POST",
        "/signups/card",
        operation="signup.card",
        public=True,
        body=schemas.CardToKeep,
        raw=True,
        gives="image/svg+xml",
        example=schemas.CARD_EXAMPLE,
        summary="My return code as a card to keep, with a picture that a telephone reads; more only if I name it",
    )
    def card_to_keep(self, call: Call) -> bytes:
        """Draw a card."""
        return own_more.card_to_keep(self.db, call)

    @route(
        "POST",
        "/signups/hand-over",
        operation="signup.hand_over",
        body=schemas.NewSignUp,
        answers=schemas.HandOverView,
        status=201,
        changes=True,
        example=schemas.NEW_SIGN_UP_EXAMPLE,
        summary="Sign up somebody on the telephone and read the code to him; a helpline sees nothing afterwards",
    )
    def hand_over(self, call: Call) -> Outcome:
        """Sign a caller up."""
        return signing_up.hand_over(self.db, call)
