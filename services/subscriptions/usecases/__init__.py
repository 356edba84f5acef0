"""What can be done with subscriptions: keep the journal, read and follow it, give and take grants."""

from services.subscriptions.usecases.following import Step, lasts
from services.subscriptions.usecases.grants import Grant, create_grant, revoke_grant, rotate_grant
from services.subscriptions.usecases.journal import journal, keep_organisation
from services.subscriptions.usecases.reading import feed, follow
from services.subscriptions.usecases.upkeep import sweep

__all__ = [
    "Grant",
    "Step",
    "create_grant",
    "feed",
    "follow",
    "journal",
    "keep_organisation",
    "lasts",
    "revoke_grant",
    "rotate_grant",
    "sweep",
]
