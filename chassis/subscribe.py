"""`@subscribe("noun.past_verb", …)`: an entrypoint that loses nothing (architecture.md trap 2, bus.md section 4).

One consumer per service reads the service's one queue; what piled up goes into one transaction. It acknowledges after
the commit, tries a failing event three times at once, then over the ladder of retry queues, then parks it; other
aggregates go on. A method may be called again though it did not fail itself: what acts outside of the transaction
goes into `work.after`.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from nameko.containers import WorkerContext
from nameko.extensions import Entrypoint, SharedExtension, register_entrypoint

from chassis import health, providers
from chassis.consumer import Consumer
from chassis.topology import EVERYTHING

if TYPE_CHECKING:
    from chassis.db import Work
    from chassis.envelope import Received

STOP_SECONDS = 8


class EventQueue(SharedExtension):
    """The one consumer of a service, shared by all its subscriptions."""

    def __init__(self) -> None:
        self._subscriptions: list[Subscription] = []
        self._thread: Any = None
        self.consumer: Consumer | None = None

    def register(self, subscription: Subscription) -> None:
        """Called by each subscription before the start."""
        self._subscriptions.append(subscription)
        self._subscriptions.sort(key=lambda each: each.method_name)

    def start(self) -> None:
        """Start reading in a green thread of the container; never waits for the broker."""
        types = {name for subscription in self._subscriptions for name in subscription.types}
        nouns = {EVERYTHING if name == EVERYTHING else name.partition(".")[0] for name in types}
        self.consumer = Consumer(
            providers.settings_of(self.container),
            providers.database_of(self.container),
            service=self.container.service_name,
            nouns=nouns,
            dispatch=self._dispatch,
        )
        consumer = self.consumer
        health.CHECKS.add("broker", lambda: None if consumer.connected else "unavailable", vital=False)
        health.CHECKS.add("events", lambda: consumer.trouble, vital=False)
        health.gauge("event_consumer_connected", "Whether events are read from the broker", lambda: consumer.connected)
        still = "Seconds since the reader of events last went round"
        health.gauge("event_consumer_idle_seconds", still, lambda: consumer.pulse.still_seconds)
        health.counter("events_taken", "What became of events taken from the queue", "fate", lambda: consumer.counts)
        self._thread = self.container.spawn_managed_thread(consumer.run, identifier="events")

    def stop(self) -> None:
        """Finish the event in work, give the rest back, and leave."""
        if self.consumer is not None:
            self.consumer.stop(STOP_SECONDS)

    def kill(self) -> None:
        """Leave at once; what was not acknowledged comes again."""
        if self.consumer is not None:
            self.consumer.stop(0)

    def _dispatch(self, work: Work, event: Received) -> None:
        for subscription in self._subscriptions:
            if subscription.wants(event.type):
                subscription.call(work, event)


class Subscription(Entrypoint):
    """One method of a service that takes (work, event) for the types it names."""

    events = EventQueue()

    def __init__(self, *types: str) -> None:
        super().__init__()
        self.types = types

    def setup(self) -> None:
        """Make itself known to the consumer."""
        self.events.register(self)

    def stop(self) -> None:
        """Entrypoints stop before the container waits for its workers, so the consumer stops here."""
        self.events.stop()

    def wants(self, name: str) -> bool:
        """Whether an event type is among those named; `#` and `noun.*` are patterns."""
        return any(kind == EVERYTHING or fnmatch.fnmatchcase(name, kind) for kind in self.types)

    def call(self, work: Work, event: Received) -> None:
        """Run the method on a fresh service instance with its dependencies, in this green thread and transaction.

        Not as a nameko worker: its pool may be full of requests, and it would log the text of an exception.
        """
        context = WorkerContext(self.container, self.container.service_cls(), self, args=(work, event))
        for provider in self.container.dependencies:
            setattr(context.service, provider.attr_name, provider.get_dependency(context))
        getattr(context.service, self.method_name)(work, event)


def subscribe(*types: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Subscribe a method to event types, by short name, `noun.*`, or `#` for everything."""
    return partial(_register, types=types)


def _register(method: Callable[..., None], *, types: tuple[str, ...]) -> Callable[..., None]:
    register_entrypoint(method, Subscription(*types))
    return method
