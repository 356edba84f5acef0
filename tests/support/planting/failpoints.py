"""The named failpoints: places at which a process can be made to die as by kill -9, each with one plain sentence."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Failpoint:
    """A process dies before or after a function of a module."""

    name: str
    module: str
    function: str
    before: bool
    sentence: str


def _before(name: str, module: str, function: str, sentence: str) -> Failpoint:
    return Failpoint(name, module, function, before=True, sentence=sentence)


def _after(name: str, module: str, function: str, sentence: str) -> Failpoint:
    return Failpoint(name, module, function, before=False, sentence=sentence)


FAILPOINTS = (
    _after("request.claimed", "chassis.requests", "claim", "The key of a request is claimed, nothing is done yet."),
    _before("work.uncommitted", "chassis.work", "Work.finish", "All is decided, nothing is committed."),
    _after("work.committed", "chassis.work", "Work.finish", "All is committed; no answer, no acknowledgement yet."),
    _after("gateway.answered", "gateway.forward", "Backend.ask", "The service has answered, its client has not heard."),
    _after("relay.leads", "chassis.relay.store", "try_to_lead", "The relay has just asked for the leader's lock."),
    _after("relay.read", "chassis.relay.store", "oldest", "A batch is read from the outbox, nothing is published."),
    _after("relay.sent_one", "chassis.link", "Link._send", "One message of a batch is on its way, the rest is not."),
    _before("relay.unmarked", "chassis.relay.store", "mark_published", "A batch is confirmed and not marked."),
    _after("relay.marked", "chassis.relay.store", "mark_published", "A batch is confirmed and marked."),
    _after("consumer.applied", "chassis.inbox", "apply", "An event is applied in a transaction that is still open."),
    _before("consumer.unacknowledged", "amqp.channel", "Channel.basic_ack", "Committed, and not acknowledged."),
    _after("consumer.acknowledged", "amqp.channel", "Channel.basic_ack", "Committed and acknowledged."),
    _after("consumer.waiting", "chassis.inbox", "_wait", "An event that came too early is put aside, uncommitted."),
    _after("consumer.follows", "chassis.inbox", "next_waiting", "A waiting event's turn has come, it is not applied."),
    _before(
        "retry.unsent", "chassis.retry", "Retries._send", "An event failed and is not on the ladder or parked yet."
    ),
    _after("retry.sent", "chassis.retry", "Retries._send", "It is on the ladder or parked, and not acknowledged."),
    _after("retry.blocked", "chassis.inbox", "block", "Its stream is marked as held up, uncommitted."),
    _after("journal.placed", "services.subscriptions.store.journal", "next_place", "A position is taken, uncommitted."),
    _after("journal.written", "services.subscriptions.store.journal", "write", "A journal row is made, uncommitted."),
)
BY_NAME = {point.name: point for point in FAILPOINTS}
