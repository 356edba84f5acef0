"""Planted defects of the product: wrong code in running processes, each of which a campaign has to find.

`needs` is the bad luck without which the defect does no harm; `found_by` is a piece of what the checker says then.
"""

from __future__ import annotations

import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.support.planting import orders
from tests.support.planting.targets import Target

STRANGER = uuid.uuid5(uuid.NAMESPACE_URL, "nobody of the demo")
_calls: Counter[str] = Counter()


@dataclass(frozen=True)
class Defect:
    """One way in which the product could be wrong."""

    name: str
    sentence: str
    needs: str
    found_by: str
    targets: tuple[Target, ...]


DEFECTS: dict[str, Defect] = {}


def _plant(name: str, sentence: str, *, found_by: str, places: dict[str, Callable[..., Any]], needs: str = "") -> None:
    targets = tuple(Target(*place.split(":"), around=_only_for(name, around)) for place, around in places.items())
    DEFECTS[name] = Defect(name, sentence, needs, found_by, targets)


def _only_for(name: str, around: Callable[..., Any]) -> Callable[..., Any]:
    def call(original: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        if orders.wanted("defect") != name:
            return original(*arguments, **named)
        return around(original, *arguments, **named)

    return call


def _every(name: str, times: int) -> bool:
    _calls[name] += 1
    return _calls[name] % times == 0


def _forget_the_last(original: Any, work: Any) -> Any:
    if work.call is not None and work._told and _every("forget", 5):
        work._told.pop()
    return original(work)


def _only_pretend(original: Any, link: Any, messages: Any) -> Any:
    held = [message for message in messages if message.exchange == "events" and _every("pretend", 5)]
    receipt = original(link, [message for message in messages if message not in held])
    receipt.confirmed.extend(message.key for message in held)
    return receipt


def _acknowledge_at_once(original: Any, channel: Any, tag: Any, delivery: Any, *rest: Any) -> Any:
    result = original(channel, tag, delivery, *rest)
    channel.basic_ack(delivery)
    time.sleep(0.01)  # so that it is at the broker before the process dies
    channel.planted = delivery
    return result


def _not_again(original: Any, channel: Any, delivery: int, *rest: Any, **named: Any) -> Any:
    return None if delivery <= getattr(channel, "planted", 0) else original(channel, delivery, *rest, **named)


def _without_inbox(_original: Any, work: Any, event: Any, handler: Any, **_kept: Any) -> Any:
    inbox = sys.modules["chassis.inbox"]
    handler(work, event)
    return inbox.Verdict(inbox.Fate.APPLIED, followed=False)


GATE_GIVES_WAY = """
INSERT INTO inbox_gate (source, subject, audience, last) VALUES (%s, %s, %s, %s)
ON CONFLICT (source, subject, audience) DO UPDATE SET last = excluded.last WHERE inbox_gate.last < excluded.last
"""


def _without_gate(original: Any, work: Any, event: Any, *rest: Any, **named: Any) -> Any:
    place = event.source, event.subject, event.audience, event.sequence - 1
    work.run(GATE_GIVES_WAY, place, expect=None)
    return original(work, event, *rest, **named)


def _reversed_to_partners(original: Any, link: Any, messages: Any) -> Any:
    return original(link, list(reversed(messages)) if messages[0].exchange == "partners" else messages)


def _without_the_network(original: Any, link: Any, messages: Any) -> Any:
    held = [message for message in messages if message.exchange == "partners" and "network." in message.routing_key]
    receipt = original(link, [message for message in messages if message not in held])
    receipt.confirmed.extend(message.key for message in held)
    return receipt


def _to_a_stranger(original: Any, *facts: Any, **named: Any) -> Any:
    if named["state"] == "sent" and named["audience"] == facts[0].receiver_id and _every("stranger", 5):
        named["audience"] = STRANGER
    return original(*facts, **named)


def _always(*_arguments: Any, **_named: Any) -> bool:
    return True


def _a_place_further(original: Any, *arguments: Any) -> Any:
    place = original(*arguments)
    return original(*arguments) if _every("place", 10) else place


def _a_place_back(original: Any, *arguments: Any) -> Any:
    place = original(*arguments)
    return place if place.position % 10 else replace(place, position=place.position - 1)


def _with_a_blank(original: Any, row: Any, **named: Any) -> Any:
    body, headers, properties = original(row, **named)
    return body + b" " if row.get("body") is not None else body, headers, properties


def _never_commit(original: Any, work: Any) -> Any:
    if work.call is None or not work._told or not _every("commit", 10):
        return original(work)
    work.undo()
    return True


def _another_scope(original: Any, *arguments: Any) -> str:
    return f"{uuid.uuid4()} {original(*arguments)}"


def _nowhere(_original: Any, *_arguments: Any, **_named: Any) -> str:
    return "nowhere"


def _round_and_round(_original: Any, retries: Any, kept: Any, message_id: Any, *_rest: Any, **_named: Any) -> Any:
    return retries.replay(kept, message_id)


def _nothing(_original: Any, *_arguments: Any, **_named: Any) -> None:
    return None


_plant(
    "forget_the_last_event",
    "A use case that tells several events loses the last of them now and then.",
    found_by="was told lacks [",
    places={"chassis.work:Work.finish": _forget_the_last},
)
_plant(
    "mark_without_publishing",
    "The relay marks one event in five as published and never publishes it.",
    found_by="0 times in the journal",
    places={"chassis.link:Link.publish": _only_pretend},
)
_plant(
    "acknowledge_before_commit",
    "A consumer acknowledges what it has received, and works afterwards.",
    needs="crash:consumer.applied",
    found_by="0 times in the journal",
    places={
        "amqp.channel:Channel._on_basic_deliver": _acknowledge_at_once,
        "amqp.channel:Channel.basic_ack": _not_again,
    },
)
_plant(
    "skip_the_inbox",
    "A consumer applies whatever comes, without asking whether it did already.",
    needs="duplicates",
    found_by="parked",
    places={"chassis.inbox:apply": _without_inbox},
)
_plant(
    "ignore_gaps",
    "The gate lets an event pass although the one before it is missing.",
    needs="disorder",
    found_by="another order",
    places={"chassis.inbox:apply": _without_gate},
)
_plant(
    "swap_the_partners_order",
    "The relay hands a batch to the partners in another order.",
    found_by="in another order",
    places={"chassis.link:Link.publish": _reversed_to_partners},
)
_plant(
    "keep_a_stream_back",
    "Of the stream of the network, which each partner has beside its own, nothing ever reaches any.",
    needs="directory",
    found_by="the partner has 0 of network",
    places={"chassis.link:Link.publish": _without_the_network},
)
_plant(
    "tell_a_stranger",
    "One event in five for the receiver is told to somebody else.",
    found_by="was told lacks [",
    places={"services.referrals.events:moved": _to_a_stranger},
)
_plant(
    "tell_the_sender_too_much",
    "The sender hears of steps that the feedback contract keeps from it.",
    found_by="was told has too often [",
    places={"services.referrals.rules.feedback:sender_sees": _always},
)
_plant(
    "skip_a_position",
    "One position in ten of a stream is left out.",
    found_by="positions of",
    places={"services.subscriptions.store.journal:next_place": _a_place_further},
)
_plant(
    "give_a_position_twice",
    "One event in ten is written at the position of the one before.",
    found_by="0 times in the journal",
    places={"services.subscriptions.store.journal:next_place": _a_place_back},
)
_plant(
    "change_the_bytes",
    "A partner's queue gets other bytes than the journal holds.",
    found_by="other bytes",
    places={"chassis.envelope:encode": _with_a_blank},
)
_plant(
    "answer_without_commit",
    "One request in ten is answered and then rolled back.",
    found_by="was acknowledged and",
    places={"chassis.work:Work.finish": _never_commit},
)
_plant(
    "ignore_the_key",
    "A repeated request is not known again by its Idempotency-Key.",
    needs="repeats",
    found_by="stands for",
    places={"chassis.requests:scope_of": _another_scope},
)
_plant(
    "drop_poison",
    "What cannot be read is acknowledged and forgotten.",
    needs="poison",
    found_by="is not parked",
    places={"chassis.retry:Retries.park": _nowhere},
)
_plant(
    "loop_poison",
    "What cannot be read goes back to the queue, for ever.",
    needs="poison",
    found_by="is not parked",
    places={"chassis.retry:Retries.park": _round_and_round},
)
_plant(
    "lose_what_failed",
    "What failed is acknowledged without going to the ladder.",
    needs="failing",
    found_by="0 times in the journal",
    places={"chassis.retry:Retries.delay": _nowhere},
)
_plant(
    "ignore_the_directory", "Referrals does not keep its copy of a service when the directory changes it.",
    needs="directory", found_by="copy of service", places={"services.referrals.usecases:keep_service": _nothing},
)  # fmt: skip
