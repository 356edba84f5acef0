"""Routes for messages: where an organisation hears of news, what was sent about a referral, a word to the person."""

from __future__ import annotations

from chassis.db import Database
from chassis.errors import Conflict
from chassis.http import route
from chassis.requests import Call, Outcome
from services.referrals.schemas import notifications as schemas
from services.referrals.usecases import notifications as usecases


class Messages:
    """Addresses for notices, delivery, and a neutral message to the person."""

    db: Database

    @route(
        "GET",
        "/referrals/notification-settings",
        operation="notification.read",
        answers=schemas.SettingsView,
        summary="Where my organisation hears that there is news",
    )
    def notification_settings(self, call: Call) -> Outcome:
        """Read the addresses."""
        return usecases.settings(self.db, call)

    @route(
        "PUT",
        "/referrals/notification-settings",
        operation="notification.set",
        body=schemas.NewSettings,
        answers=schemas.SettingsView,
        changes=True,
        refuses=(Conflict,),
        example=schemas.SETTINGS_EXAMPLE,
        summary="Set all addresses; a new one is mailed a code and counts when that comes back",
    )
    def set_notification_settings(self, call: Call) -> Outcome:
        """Set the addresses."""
        return usecases.save(self.db, call)

    @route(
        "POST",
        "/referrals/notification-settings/confirm",
        operation="notification.confirm",
        body=schemas.Confirmation,
        answers=schemas.SettingsView,
        changes=True,
        example=schemas.CONFIRMATION_EXAMPLE,
        summary="Confirm an address by the code that was mailed to it",
    )
    def confirm_notification_address(self, call: Call) -> Outcome:
        """Confirm an address."""
        return usecases.confirm(self.db, call)

    @route(
        "GET",
        "/referrals/<uuid:referral_id>/messages",
        operation="referral.messages",
        answers=schemas.MessageView,
        many=True,
        summary="What became of my organisation's messages about the referral",
    )
    def messages(self, call: Call) -> Outcome:
        """List the messages."""
        return usecases.messages(self.db, call)

    @route(
        "POST",
        "/referrals/<uuid:referral_id>/messages",
        operation="referral.message",
        body=schemas.NewMessage,
        answers=schemas.MessageView,
        changes=True,
        example=schemas.MESSAGE_EXAMPLE,
        summary="Let the person know that there is something, where a safe channel allows it",
    )
    def message(self, call: Call) -> Outcome:
        """Queue a message to the person."""
        return usecases.message(self.db, call)
