"""The door of subscriptions: everything told inside, and the feed."""

from __future__ import annotations

from nameko.timer import timer

from chassis.bell import Bell, BellProvider
from chassis.db import Database, Work
from chassis.envelope import Received
from chassis.http import Response, route, sse
from chassis.operating import operated
from chassis.providers import DatabaseProvider, SettingsProvider
from chassis.requests import Call, Later
from chassis.settings import Settings
from chassis.subscribe import subscribe
from services.subscriptions import schemas, usecases
from services.subscriptions.rules import OPERATIONS, JournalCut

SWEEP_SECONDS = 300
ABOUT_FEED = (
    "Answers at once when there are events; with `wait`, and none yet, as soon as one comes, or empty after so many "
    "seconds. Go on with `after` = `next`. When events behind `after` are no longer kept, the answer is 410 and says "
    "which position is the `oldest`."
)
ABOUT_STREAM = (
    "`id` is the position, `event` the short type, `data` the event, byte for byte as everywhere. Begins behind "
    "Last-Event-ID, or else behind `after`. A comment every 15 seconds is a sign of life; a message with an id and no "
    "data says how far types that were not asked for have been passed over. It ends with the token."
)


@operated
class SubscriptionsService:
    """The event journal for outsiders."""

    name = "subscriptions"
    operations = OPERATIONS
    db: Database = DatabaseProvider()
    bell: Bell = BellProvider(usecases.lasts)
    settings: Settings = SettingsProvider()

    @route(
        "GET",
        "/events",
        operation="event.read",
        query=schemas.FeedQuery,
        answers=schemas.Feed,
        raw=True,
        deadline="long_poll",
        refuses=(JournalCut,),
        summary="The events of my organisation's stream or the network's, behind a position",
        description=ABOUT_FEED,
    )
    def feed(self, call: Call) -> bytes | Later:
        """Read the feed: the stored bytes, joined."""
        return usecases.feed(self.db, self.bell, call)

    @route(
        "GET",
        "/events/stream",
        operation="event.read",
        query=schemas.FollowQuery,
        raw=True,
        gives=sse.MEDIA_TYPE,
        deadline="stream",
        refuses=(JournalCut,),
        summary="The same events as server-sent events, as they come",
        description=ABOUT_STREAM,
    )
    def follow(self, call: Call) -> Response:
        """Follow a stream: the stored bytes, one message each."""
        steps = usecases.follow(self.db, self.bell, call)
        return sse.stream(schemas.messages_of(step.rows, step.reached) for step in steps)

    @subscribe(
        "organisation.registered",
        "organisation.changed",
        "organisation.suspended",
        "organisation.removed",
        "organisation.baseline",
    )
    def keep_organisation(self, work: Work, received: Received) -> None:
        """Keep the local copy of the directory."""
        usecases.keep_organisation(work, received)

    @subscribe("#")
    def journal(self, work: Work, received: Received) -> None:
        """Write everything that somebody outside may have."""
        usecases.journal(work, received, self.bell.ring)

    @timer(interval=SWEEP_SECONDS)  # type: ignore[untyped-decorator]  # nameko is untyped
    def sweep(self) -> None:
        """Take out of the journal what is older than its retention."""
        usecases.sweep(self.db, self.settings.journal_days)
