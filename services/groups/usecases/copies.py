"""Keeping the local copy of the directory, from its events."""

from __future__ import annotations

from chassis.db import Work
from chassis.envelope import Received
from services.groups.store import copies


def keep_organisation(work: Work, received: Received) -> None:
    """Keep the local copy of an organisation, from organisation.* events."""
    names = ("key", "type", "country", "status", "version")
    told = {name: received.data[name] for name in names}
    copies.keep_partner(work, {"org_id": received.subject, **told, "names": received.data.get("names", {})})
