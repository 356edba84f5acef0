"""Proves from the outside that nothing was lost, doubled, swapped or told to a stranger.

It shares no code with the services: it reads the clients' history file, the databases, the journal, what a partner's
queue delivered, what is parked, and the broker's own count of messages. `faults` is a pure function, so that it can be
tested itself.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString

import pika
import psycopg

from services.referrals.events import BESIDES
from services.referrals.rules.lifecycle import RECEIVER, SENDER
from tests.support.walks import walks

Copy = tuple[Any, ...]
CREATE = "create"


@dataclass(frozen=True)
class Told:
    """One event as its publisher stored it."""

    service: str
    id: str
    type: str
    audience: str
    subject: str
    sequence: int


@dataclass
class Evidence:
    """All that the verdict is made of."""

    history: list[dict[str, Any]]
    legs: list[tuple[str, str, str, str]]  # id, state, sender, receiver; of new legs of an episode, see `onward`
    requests: list[tuple[str, str]]  # key, referral it made
    steps: list[tuple[str, str, str]]  # organisation, referral, state entered
    told: list[Told]
    journal: list[tuple[str, int, dict[str, Any]]]  # stream, position, body
    delivered: list[dict[str, Any]] = field(default_factory=list)  # to a partner, in the order of arrival
    entitled: dict[str, int] = field(default_factory=dict)  # the partner's streams, and where each began for it
    leftovers: dict[str, int] = field(default_factory=dict)  # what must be empty, by name
    bodies: dict[tuple[str, int], bytes] = field(default_factory=dict)  # the journal's bytes
    arrived: list[bytes] = field(default_factory=list)  # the partner's bytes
    injected: set[tuple[str, str]] = field(default_factory=set)  # poison: service, message id
    parked: list[tuple[str, str]] = field(default_factory=list)  # the same, as found
    directory: dict[tuple[str, str], Copy] = field(default_factory=dict)  # kind, id
    copies: dict[str, dict[tuple[str, str], Copy]] = field(default_factory=dict)  # the same by service
    onward: set[str] = field(default_factory=set)  # legs that another leg made, which no key asked for


def collect(databases: Mapping[str, str], history: Path) -> Evidence:
    """Read everything but the broker; `databases` are superuser addresses by service."""
    with psycopg.connect(databases["referrals"]) as connection:
        legs = connection.execute("SELECT id::text, state, sender_id::text, receiver_id::text FROM leg").fetchall()
        onward = connection.execute("SELECT id::text FROM leg WHERE parent_id IS NOT NULL").fetchall()
        requests = connection.execute(
            "SELECT key, object_id::text FROM request WHERE scope LIKE '%% POST /referrals '", ()
        ).fetchall()
        steps = connection.execute(STEPS).fetchall()
    with psycopg.connect(databases["subscriptions"]) as connection:
        rows = connection.execute("SELECT stream, position, body FROM journal ORDER BY stream, position").fetchall()
    told: list[Told] = []
    for service, address in databases.items():
        with psycopg.connect(address) as connection:
            told += [Told(service, *row) for row in connection.execute(TOLD).fetchall()]
    lines = [json.loads(line) for line in history.read_text(encoding="utf-8").splitlines()]
    bodies = {(row[0], row[1]): bytes(row[2]) for row in rows}
    return Evidence(
        history=[line for line in lines if "action" in line],
        legs=[(str(row[0]), str(row[1]), str(row[2]), str(row[3])) for row in legs],
        requests=[(row[0], row[1]) for row in requests],
        steps=[(row[0], row[1], str(row[2])) for row in steps],
        onward={row[0] for row in onward},
        told=told,
        journal=[(stream, position, json.loads(body)) for (stream, position), body in bodies.items()],
        bodies=bodies,
        directory=_rows_of(databases["directory"], DIRECTORY),
        copies={service: _rows_of(databases[service], queries) for service, queries in COPIES.items()},
    )


# A baseline repeats the number of the last event; it is no event of the sequence.
TOLD = """
SELECT id::text, type, audience, aggregate_id::text, sequence FROM outbox
 WHERE exchange = 'events' AND NOT baseline ORDER BY no
"""
STEPS = "SELECT org_id::text, referral_id::text, to_state FROM history ORDER BY org_id, referral_id, no"
WAITING = "SELECT count(*) FROM inbox_waiting"
LAST = "SELECT coalesce(max(position), 0) FROM journal WHERE stream = %s"
UNPUBLISHED = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
DIRECTORY = {
    "organisation": "SELECT id::text, key, status, version FROM organisation WHERE status <> 'joining'",
    "service": "SELECT s.id::text, s.key, s.accepting, s.status, s.version FROM service AS s"
    " JOIN organisation AS o ON o.id = s.organisation_id WHERE o.status <> 'joining'",
}
PARTNERS = {"organisation": "SELECT org_id::text, key, status, version FROM partner"}
COPIES = {
    "referrals": {
        **PARTNERS,
        "service": "SELECT service_id::text, key, accepting, status, version FROM partner_service",
    },
    "groups": PARTNERS,
    "access": PARTNERS,
    "subscriptions": PARTNERS,
}


def _rows_of(address: str, queries: Mapping[str, LiteralString]) -> dict[tuple[str, str], Copy]:
    with psycopg.connect(address) as connection:
        return {(kind, row[0]): tuple(row[1:]) for kind, query in queries.items() for row in connection.execute(query)}


def on_its_way(databases: Mapping[str, str]) -> dict[str, int]:
    """How many rows wait in each inbox and outbox."""
    found = {}
    for service, address in databases.items():
        with psycopg.connect(address) as connection:
            for name, query in (("waiting", WAITING), ("unpublished", UNPUBLISHED)):
                row = connection.execute(query).fetchone()
                found[f"{service} {name}"] = row[0] if row else -1
    return found


def begins(subscriptions: str, streams: Sequence[str]) -> dict[str, int]:
    """The next position of each stream: from there on a partner that begins to read now has to get everything."""
    found = {}
    with psycopg.connect(subscriptions) as connection:
        for stream in streams:
            row = connection.execute(LAST, (stream,)).fetchone()
            found[stream] = 1 + (row[0] if row else 0)
    return found


def messages(address: str, names: Sequence[str]) -> dict[str, int]:
    """How many messages lie in each queue now; the management's own figures are up to five seconds old."""
    with contextlib.closing(pika.BlockingConnection(pika.URLParameters(address))) as connection:
        channel = connection.channel()
        return {name: channel.queue_declare(name, passive=True).method.message_count for name in names}


def faults(evidence: Evidence) -> list[str]:
    """Everything that is wrong, in words; empty when all is well."""
    return [
        *_referrals(evidence),
        *_steps(evidence),
        *_publishers(evidence),
        *_streams(evidence),
        *_audiences(evidence),
        *_told_to_the_parties(evidence),
        *_partner(evidence),
        *_bytes(evidence),
        *_poison(evidence),
        *_copies(evidence),
        *(f"{count} left in {name}" for name, count in sorted(evidence.leftovers.items()) if count),
    ]


def _referrals(evidence: Evidence) -> Iterator[str]:
    stored = Counter(leg[0] for leg in evidence.legs)
    made = defaultdict(set)
    for key, referral in evidence.requests:
        made[key].add(referral)
    for line in (line for line in evidence.history if line["action"] == CREATE):
        if stored[line["referral"]] != 1:
            yield f"referral {line['referral']} was acknowledged and exists {stored[line['referral']]} times"
        if made[line["key"]] != {line["referral"]}:
            yield f"key {line['key']} was answered with {line['referral']} and stands for {sorted(made[line['key']])}"
    yield from _keys(evidence, stored)


def _keys(evidence: Evidence, stored: Counter[str]) -> Iterator[str]:
    """Each referral was made by one key: other tests send keys as well, so this holds for the whole network."""
    asked = Counter(referral for _, referral in evidence.requests)
    for referral, times in asked.items():
        if times > 1:
            yield f"referral {referral} is remembered for {times} keys"
    for referral in set(stored) - set(asked) - evidence.onward:
        yield f"referral {referral} exists and no key asked for it"


def _steps(evidence: Evidence) -> Iterator[str]:
    """Each party's history is what the acknowledged steps make it: nothing missing, doubled or out of order."""
    legs = {leg[0]: leg for leg in evidence.legs}
    taken = defaultdict(list)
    for org, referral, state in evidence.steps:
        taken[org, referral].append(state)
    for referral, walk in walks(evidence.history).items():
        yield from (f"{what} of {referral} was acknowledged and cannot be" for what in walk.impossible)
        if (leg := legs.get(referral)) is None:
            continue
        if leg[1] != walk.state:
            yield f"referral {referral} is {leg[1]}, the last acknowledged state was {walk.state}"
        for side, org in ((SENDER, leg[2]), (RECEIVER, leg[3])):
            wanted = [state for state, _ in walk.told[side]]
            yield from _apart(f"the {side}'s history of {referral}", taken[org, referral], wanted)


def _apart(what: str, found: list[str], wanted: list[str]) -> Iterator[str]:
    """What a list lacks, has too often, or has in another order."""
    lacks, over = Counter(wanted) - Counter(found), Counter(found) - Counter(wanted)
    if lacks:
        yield f"{what} lacks {sorted(lacks.elements())}"
    if over:
        yield f"{what} has too often {sorted(over.elements())}"
    if not lacks and not over and found != wanted:
        yield f"{what} is in another order: {found}"


def _publishers(evidence: Evidence) -> Iterator[str]:
    sequences = defaultdict(list)
    for event in evidence.told:
        sequences[event.service, event.subject, event.audience].append(event.sequence)
    for place, found in sequences.items():
        if found != list(range(1, len(found) + 1)):
            yield f"sequence of {place} is {found}"


def _streams(evidence: Evidence) -> Iterator[str]:
    positions, sequences = defaultdict(list), defaultdict(list)
    for stream, position, body in evidence.journal:
        positions[stream].append(position)
        sequences[stream, body["source"], body["subject"]].append(body["sequence"])
        if (body["stream"], body["position"]) != (stream, position):
            yield f"the body at {stream}#{position} says {body['stream']}#{body['position']}"
    for kind, groups in (("positions", positions), ("sequences", sequences)):
        for place, found in groups.items():
            if found != list(range(1, len(found) + 1)):
                yield f"{kind} of {place} have a gap or another order: {_cut(found)}"


def _audiences(evidence: Evidence) -> Iterator[str]:
    """What was told is in exactly the stream of its audience, and nothing else is there."""
    due = {event.id: event.audience for event in evidence.told if event.audience}
    seen: Counter[str] = Counter()
    for stream, position, body in evidence.journal:
        seen[body["id"]] += 1
        if due.get(body["id"]) != stream:
            yield f"{stream}#{position} was told to {due.get(body['id'])}"
    for event, audience in due.items():
        if seen[event] != 1:
            yield f"event {event} for {audience} is {seen[event]} times in the journal"


def _told_to_the_parties(evidence: Evidence) -> Iterator[str]:
    parties = {leg[0]: (leg[2], leg[3]) for leg in evidence.legs}
    heard = defaultdict(list)
    for stream, _, body in evidence.journal:
        verb = body["type"].split(".")[-2]
        if verb not in BESIDES:
            heard[stream, body["subject"]].append(verb)
    for referral, walk in walks(evidence.history).items():
        sender, receiver = parties.get(referral, ("nobody", "nobody"))
        for side, org in ((SENDER, sender), (RECEIVER, receiver)):
            wanted = [verb for _, verb in walk.told[side]]
            yield from _apart(f"what the {side} of {referral} was told", heard[f"org:{org}", referral], wanted)


def _partner(evidence: Evidence) -> Iterator[str]:
    """Each event of the partner's streams came at least once, for the first time in order, and none of others.

    What it is entitled to is told from outside: of a stream that never came, nothing that did come would tell.
    """
    for stream in sorted({body["stream"] for body in evidence.delivered} - evidence.entitled.keys()):
        yield f"the partner got events of {stream}, which is not told to it"
    for stream, start in evidence.entitled.items():
        yield from _delivered(evidence, stream, start)


def _delivered(evidence: Evidence, stream: str, start: int) -> Iterator[str]:
    first: dict[int, str] = {}
    for body in (body for body in evidence.delivered if body["stream"] == stream):
        first.setdefault(body["position"], body["id"])
    due = {place: body["id"] for name, place, body in evidence.journal if name == stream and place >= start}
    if list(first) != sorted(first):
        yield f"the partner got {stream} in another order: {_cut(list(first))}"
    if first != due:
        yield f"the partner has {len(first)} of {stream}, the journal {len(due)} from {start} on"


def _bytes(evidence: Evidence) -> Iterator[str]:
    for body in evidence.arrived:
        place = json.loads(body)
        if evidence.bodies.get((place["stream"], place["position"])) != body:
            yield f"the partner got other bytes at {place['stream']}#{place['position']} than the journal holds"


def _poison(evidence: Evidence) -> Iterator[str]:
    """Parked twice is no fault: a process may die between parking and acknowledging."""
    for service, message in sorted(evidence.injected - set(evidence.parked)):
        yield f"poison {message} is not parked at {service}"
    for service, message in sorted(set(evidence.parked) - evidence.injected):
        yield f"{message} is parked at {service} and is no injected poison"


def _copies(evidence: Evidence) -> Iterator[str]:
    """Every copy says what the directory says, and the directory what was acknowledged last."""
    last = {line["service"]: line["accepting"] for line in evidence.history if line["action"] == "accepting"}
    for service, accepting in last.items():
        if evidence.directory["service", service][1] != accepting:
            yield f"service {service} was {accepting} by the last acknowledged change and is not"
    for place, copies in evidence.copies.items():
        kinds = COPIES[place].keys()
        due = {key: row for key, row in evidence.directory.items() if key[0] in kinds}
        for kind, key in sorted(due.keys() | copies.keys()):
            if due.get((kind, key)) != copies.get((kind, key)):
                yield f"copy of {kind} {key} in {place} is {copies.get((kind, key))}, not {due.get((kind, key))}"


def repeated(bodies: Sequence[bytes]) -> int:
    """How often a partner got something that it had already."""
    return len(bodies) - len(set(bodies))


def _cut(found: Sequence[int]) -> str:
    wrong = next((place for place, value in enumerate(found) if value != found[0] + place), 0)
    return f"… {list(found[max(0, wrong - 3) : wrong + 4])} …"
