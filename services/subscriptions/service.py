"""The door of subscriptions: everything told inside, and the feed."""

from __future__ import annotations

from chassis.db import Database, Work
from chassis.envelope import Received
from chassis.http import route
from chassis.providers import DatabaseProvider
from chassis.requests import Call
from chassis.subscribe import subscribe
from services.subscriptions import schemas, usecases
from services.subscriptions.rules import OPERATIONS, JournalCut


class SubscriptionsService:
    """The event journal for outsiders."""

    name = "subscriptions"
    operations = OPERATIONS
    db: Database = DatabaseProvider()

    @route(
        "GET",
        "/events",
        operation="event.read",
        query=schemas.FeedQuery,
        answers=schemas.Feed,
        raw=True,
        refuses=(JournalCut.status,),
        summary="The events of the network's stream or my organisation's own, behind a position",
    )
    def feed(self, call: Call) -> bytes:
        """Read the feed: the stored bytes, joined."""
        value: bytes = usecases.feed(self.db, call).value
        return value

    @subscribe("organisation.registered", "organisation.changed")
    def keep_organisation(self, work: Work, received: Received) -> None:
        """Keep the local copy of the directory."""
        usecases.keep_organisation(work, received)

    @subscribe("#")
    def journal(self, work: Work, received: Received) -> None:
        """Write everything that somebody outside may have."""
        usecases.journal(work, received)
