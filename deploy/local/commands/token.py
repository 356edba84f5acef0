"""Issues a development token; the one place of the launcher that knows how access does it."""

from __future__ import annotations

from chassis.settings import Settings
from deploy.local.commands.rooms import database


def issue(settings: Settings, org_key: str, scopes: tuple[str, ...]) -> str:
    """A token for the organisation with that key; every ordinary role without `scopes`. Raises LocalFault."""
    from services.access.usecases import documents as usecases

    with database(settings, "access") as db:
        return usecases.issue_development_token(db, settings, org_key=org_key, scope=scopes or None)
