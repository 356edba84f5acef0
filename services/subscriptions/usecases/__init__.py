"""What can be done with subscriptions: keep the journal, read it, give and take grants."""

from services.subscriptions.usecases.grants import Grant, create_grant, revoke_grant, rotate_grant
from services.subscriptions.usecases.journal import feed, journal, keep_organisation

__all__ = ["Grant", "create_grant", "feed", "journal", "keep_organisation", "revoke_grant", "rotate_grant"]
