"""What can be done with access: issue a development token, show the public documents, keep the directory's copy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.envelope import Received
from chassis.errors import Unavailable
from chassis.identity import ISSUER, issue_token
from chassis.requests import Outcome
from chassis.settings import Settings
from chassis.signing import public_keys as public_keys_of
from services.access.rules import roles as rules
from services.access.rules.clients import SIGNING_ALGORITHMS
from services.access.store import partners as store
from services.access.views import partners as views
from services.access.views import standing as standing_view

COMMAND = "command:token"
PUBLIC_FOR = {"Cache-Control": "public, max-age=60"}


def issue_development_token(
    db: Database, settings: Settings, *, org_key: str, scope: Iterable[str] | None = None
) -> str:
    """An access token of at most ten minutes for an organisation, audited in the same transaction.

    Raises NotAllowed in production, NotFound for an unknown organisation, Conflict for one that is not active and
    Invalid for an unknown role. Without `scope` it carries every role but those that come only by name.
    """
    rules.check_profile(settings.profile)
    roles = rules.roles_of(scope)
    with db.background(COMMAND) as work:
        found = store.organisation(work, org_key)
        if found is None:
            raise rules.unknown_organisation(org_key, views.organisation_keys(work))
        rules.check_status(found.key, found.status)
        work.record(
            Entry(operation="token.issue", object_type="organisation", object_id=found.org_id, purpose="development")
        )
        subject = f"client:development:{found.key}"
        return issue_token(settings, subject=subject, org_id=found.org_id, org_key=found.key, roles=roles)


def public_keys(settings: Settings) -> Outcome:
    """The public key set. Raises Unavailable while it cannot be read."""
    return Outcome(value={"keys": _keys(settings)}, headers=dict(PUBLIC_FOR))


def standing(db: Database, settings: Settings) -> Outcome:
    """Keys, revocations and organisations that may not act, for our own processes. Raises Unavailable."""
    with db.view() as work:
        return Outcome(value={"keys": _keys(settings), **standing_view.standing(work)})


def server_metadata(settings: Settings) -> Outcome:
    """What this authorisation server offers."""
    value = rules.server_metadata(ISSUER, settings.public_url, signing_algorithms=SIGNING_ALGORITHMS)
    return Outcome(value=value, headers=dict(PUBLIC_FOR))


def _keys(settings: Settings) -> list[dict[str, Any]]:
    try:
        return public_keys_of(settings.home)
    except (OSError, ValueError, KeyError) as error:
        raise Unavailable("keys.unavailable", "The key set cannot be read for the moment.") from error


def keep_organisation(work: Work, received: Received) -> None:
    """Keep the local copy of an organisation, from organisation.* events."""
    names = ("key", "type", "country", "status", "version")
    store.keep_partner(work, {"org_id": received.subject, **{name: received.data[name] for name in names}})
