"""What the token endpoint does with a form: each grant has its use case."""

from __future__ import annotations

from chassis.db import Database
from chassis.requests import Call, Outcome
from chassis.settings import Settings
from services.access.rules import tokens as rules
from services.access.usecases.exchange import for_foreign_token
from services.access.usecases.tokens import for_client


def issue(db: Database, settings: Settings, call: Call) -> Outcome:
    """A token for whoever proves himself. Raises InvalidClient, OAuthRefused and TooManyRequests."""
    form = rules.read_form(call.raw)
    if rules.check_grant(form) == rules.JWT_BEARER:
        return for_foreign_token(db, settings, call, form)
    return for_client(db, settings, call, form)
