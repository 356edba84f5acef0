"""The checker finds every defect that is planted, and nothing in sound evidence; without that it proves nothing."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.support.checker import Evidence, Told, faults
from tests.support.walks import walks

SENDER, RECEIVER, NETWORK = "s-1", "r-1", "network"
STATES = {"create": "sent", "acknowledge": "received", "accept": "accepted", "decline": "declined"}
SEEN = {SENDER: {"sent", "received", "declined"}, RECEIVER: {"sent", "received", "accepted", "declined"}}


def sound(referrals: int = 4) -> Evidence:
    """What a run without any fault leaves: half of the referrals accepted, half declined."""
    evidence = Evidence([], [], [], [], [], [])
    sequences: dict[tuple[str, str], int] = {}
    for number in range(referrals):
        referral, last = f"leg-{number}", "accept" if number % 2 else "decline"
        tell(evidence, sequences, NETWORK, f"service-{number}", "changed")
        evidence.requests.append((f"key-{number}", referral))
        evidence.legs.append((referral, STATES[last], SENDER, RECEIVER))
        for action in ("create", "acknowledge", last):
            evidence.history.append({"action": action, "key": f"key-{number}", "referral": referral})
            for party in (SENDER, RECEIVER):
                if STATES[action] in SEEN[party]:
                    evidence.steps.append((party, referral, STATES[action]))
                    tell(evidence, sequences, f"org:{party}", referral, STATES[action])
    evidence.entitled = {f"org:{RECEIVER}": 3, NETWORK: 1}  # two of its own stream were there before it came
    evidence.delivered = [
        body for stream, place, body in evidence.journal if place >= evidence.entitled.get(stream, 10**6)
    ]
    evidence.leftovers = {"referrals waiting": 0, "groups.events": 0}
    evidence.bodies = {(stream, position): json.dumps(body).encode() for stream, position, body in evidence.journal}
    evidence.arrived = [json.dumps(body).encode() for body in evidence.delivered]
    evidence.injected, evidence.parked = {("groups", "poison-1")}, [("groups", "poison-1"), ("groups", "poison-1")]
    organisation, service = ("organisation", SENDER), ("service", "s-9")
    evidence.directory = {organisation: ("key", "active", 1), service: ("key", "closed", "published", 2)}
    evidence.copies = {"referrals": dict(evidence.directory), "groups": {organisation: ("key", "active", 1)}}
    evidence.history.append({"action": "accepting", "service": "s-9", "accepting": "closed", "key": "k"})
    return evidence


def tell(evidence: Evidence, sequences: dict[tuple[str, str], int], stream: str, subject: str, state: str) -> None:
    sequences[stream, subject] = sequences.get((stream, subject), 0) + 1
    position = sum(name == stream for name, _, _ in evidence.journal) + 1
    event = f"event-{len(evidence.told)}"
    evidence.told.append(Told("referrals", event, f"referral.{state}", stream, subject, sequences[stream, subject]))
    body = {"id": event, "type": f"eu.tukiverkko.referral.{state}.v1", "source": "/services/referrals"}
    place = {"subject": subject, "sequence": sequences[stream, subject], "stream": stream, "position": position}
    evidence.journal.append((stream, position, {**body, **place}))


def test_sound_evidence_has_no_fault() -> None:
    assert faults(sound()) == []


LONG = [
    ("create", "sender"),
    ("accept", "receiver"),
    ("start", "receiver"),
    ("hold", "sender"),
    ("resume", "receiver"),
    ("return_to_list", "receiver"),
    ("end", "receiver"),
    ("reopen", "receiver"),
    ("complete", "receiver"),
]


def test_a_walk_knows_implicit_steps_pauses_and_what_the_sender_may_not_know() -> None:
    lines = [{"action": action, "side": side, "referral": "r", "scope": "attendance"} for action, side in LONG]
    walk = walks(lines)["r"]
    assert walk.state == "completed"
    assert [state for state, _ in walk.told["receiver"]] == [
        *("sent", "received", "accepted", "in_progress", "on_hold", "in_progress", "waitlisted", "ended"),
        *("in_progress", "completed"),
    ]
    assert walk.told["sender"] == [
        ("sent", "sent"),
        ("received", "received"),
        ("accepted", "accepted"),
        ("in_progress", "started"),
        ("on_hold", "on_hold"),
        ("in_progress", "resumed"),
        ("waitlisted", "waitlisted"),
        ("closed", "closed"),
        ("in_progress", "reopened"),
        ("closed", "closed"),
    ]


def lose_a_referral(found: Evidence) -> None:
    del found.legs[1]


def double_a_referral(found: Evidence) -> None:
    found.legs.append(("leg-twin", "sent", SENDER, RECEIVER))


def answer_a_key_with_another(found: Evidence) -> None:
    found.requests[0] = ("key-0", "leg-1")


def make_two_of_one_key(found: Evidence) -> None:
    found.requests.append(("key-0", "leg-twin"))
    found.legs.append(("leg-twin", "sent", SENDER, RECEIVER))


def lose_a_step(found: Evidence) -> None:
    found.steps.remove((RECEIVER, "leg-0", "received"))


def take_a_step_twice(found: Evidence) -> None:
    found.steps.append((RECEIVER, "leg-0", "received"))


def take_steps_in_another_order(found: Evidence) -> None:
    mine = [place for place, (org, leg, _) in enumerate(found.steps) if (org, leg) == (RECEIVER, "leg-0")]
    found.steps[mine[0]], found.steps[mine[1]] = found.steps[mine[1]], found.steps[mine[0]]


def forget_the_last_state(found: Evidence) -> None:
    found.legs[0] = ("leg-0", "received", SENDER, RECEIVER)


def drop_an_event(found: Evidence) -> None:
    del found.journal[3]


def drop_the_last_event(found: Evidence) -> None:
    """No gap shows it; only the publisher's own rows do."""
    del found.journal[-1]


def never_tell(found: Evidence) -> None:
    """Neither gap nor publisher's row shows it; only the acknowledged request does."""
    stream, _, body = found.journal.pop()
    found.told = [event for event in found.told if event.id != body["id"]]
    found.delivered = [each for each in found.delivered if each["id"] != body["id"]]
    assert stream == f"org:{RECEIVER}"


def duplicate_an_event(found: Evidence) -> None:
    stream, position, body = found.journal[-1]
    found.journal.append((stream, position + 1, {**body, "position": position + 1}))


def swap_two_events(found: Evidence) -> None:
    """The positions stay 1..n; the sequences of the aggregate do not."""
    of_one = [place for place, (name, _, body) in enumerate(found.journal) if (name, body["subject"]) == OF_ONE][:2]
    first, second = (found.journal[place] for place in of_one)
    found.journal[of_one[0]] = (first[0], first[1], {**second[2], "position": first[1]})
    found.journal[of_one[1]] = (second[0], second[1], {**first[2], "position": second[1]})


def tell_a_stranger(found: Evidence) -> None:
    _, _, body = found.journal[0]
    found.journal.append(("org:x-1", 1, {**body, "stream": "org:x-1", "position": 1}))


def tell_the_sender_too_much(found: Evidence) -> None:
    body = {"id": "event-x", "type": "eu.tukiverkko.referral.accepted.v1", "source": "/services/referrals"}
    position = sum(name == f"org:{SENDER}" for name, _, _ in found.journal) + 1
    place = {"subject": "leg-1", "sequence": 3, "stream": f"org:{SENDER}", "position": position}
    found.told.append(Told("referrals", "event-x", "referral.accepted", f"org:{SENDER}", "leg-1", 3))
    found.journal.append((f"org:{SENDER}", position, {**body, **place}))


def skip_a_sequence_at_the_publisher(found: Evidence) -> None:
    found.told[-1] = replace(found.told[-1], sequence=9)


def deliver_one_too_few(found: Evidence) -> None:
    del found.delivered[2]


def deliver_nothing(found: Evidence) -> None:
    found.delivered.clear()
    found.arrived.clear()


def deliver_without_the_first(found: Evidence) -> None:
    """What comes begins later, and has no gap."""
    del found.delivered[1]


def deliver_nothing_of_the_network(found: Evidence) -> None:
    found.delivered = [body for body in found.delivered if body["stream"] != NETWORK]


def deliver_what_was_there_before(found: Evidence) -> None:
    found.delivered.insert(0, next(body for _, place, body in found.journal if place == 2))


def deliver_in_another_order(found: Evidence) -> None:
    found.delivered[3], found.delivered[4] = found.delivered[4], found.delivered[3]


def deliver_to_a_stranger(found: Evidence) -> None:
    found.delivered.append(next(body for stream, _, body in found.journal if stream == f"org:{SENDER}"))


def leave_a_message_behind(found: Evidence) -> None:
    found.leftovers["groups.events"] = 1


def change_a_byte_on_the_wire(found: Evidence) -> None:
    found.arrived[1] += b" "


def lose_poison(found: Evidence) -> None:
    found.parked.clear()


def park_what_is_no_poison(found: Evidence) -> None:
    found.parked.append(("referrals", "event-3"))


def miss_a_change_of_the_directory(found: Evidence) -> None:
    found.copies["referrals"]["service", "s-9"] = ("key", "open", "published", 1)


def miss_a_new_organisation(found: Evidence) -> None:
    del found.copies["groups"]["organisation", SENDER]


def lose_a_change_of_the_directory(found: Evidence) -> None:
    found.history.append({"action": "accepting", "service": "s-9", "accepting": "waiting", "key": "k"})


OF_ONE = (f"org:{RECEIVER}", "leg-0")
DEFECTS: list[Callable[[Evidence], None]] = [
    lose_a_referral, double_a_referral, answer_a_key_with_another, make_two_of_one_key, lose_a_step, take_a_step_twice,
    take_steps_in_another_order,
    forget_the_last_state, drop_an_event, drop_the_last_event, never_tell, duplicate_an_event, swap_two_events,
    tell_a_stranger, tell_the_sender_too_much, skip_a_sequence_at_the_publisher, deliver_one_too_few,
    deliver_nothing, deliver_without_the_first, deliver_nothing_of_the_network, deliver_what_was_there_before,
    deliver_in_another_order, deliver_to_a_stranger, leave_a_message_behind,
    change_a_byte_on_the_wire, lose_poison, park_what_is_no_poison, miss_a_change_of_the_directory,
    miss_a_new_organisation, lose_a_change_of_the_directory,
]  # fmt: skip


@pytest.mark.parametrize("plant", DEFECTS, ids=lambda plant: plant.__name__)
def test_a_planted_defect_is_found(plant: Callable[[Evidence], None]) -> None:
    found: Any = copy.deepcopy(sound())
    plant(found)
    assert faults(found)


def test_a_second_delivery_of_the_same_is_no_fault() -> None:
    found = sound()
    found.delivered.insert(2, found.delivered[0])
    assert faults(found) == []
