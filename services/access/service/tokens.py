"""The token endpoint, and what our own processes ask about tokens."""

from __future__ import annotations

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from chassis.settings import Settings
from services.access.schemas import tokens as schemas
from services.access.usecases import documents, endpoint

FORM = "application/x-www-form-urlencoded"
FORM_LIMIT = 64 * 1024


class Tokens:
    """Tokens for systems."""

    db: Database
    settings: Settings

    @route(
        "POST",
        "/oauth/token",
        operation="token.issue",
        public=True,
        body=schemas.TokenRequest,
        reads=(FORM,),
        answers=schemas.TokenView,
        limit=FORM_LIMIT,
        oauth=True,
        example={"grant_type": "client_credentials", "scope": "sender_client"},
        summary="Ask for an access token (OAuth 2)",
    )
    def issue_token(self, call: Call) -> Outcome:
        """Issue a token."""
        return endpoint.issue(self.db, self.settings, call)

    @route(
        "GET",
        "/access/standing",
        operation="access.standing",
        public=True,
        internal=True,
        answers=schemas.StandingView,
        summary="Keys and revocations, for our own processes",
    )
    def standing(self, call: Call) -> Outcome:  # noqa: ARG002 - the same for every process
        """Tell what counts."""
        return documents.standing(self.db, self.settings)
