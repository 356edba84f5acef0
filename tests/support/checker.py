"""Proves from the outside that nothing was lost, doubled, swapped or told to a stranger.

It shares no code with the services: it reads the clients' history file, the databases, the journal, what a partner's
queue delivered, and the broker's own count of messages. `faults` is a pure function, so that it can be tested itself.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import urllib3

STATE_OF = {"create": "sent", "acknowledge": "received", "accept": "accepted", "decline": "declined"}
HIDDEN_FROM_SENDER = {"accept"}  # the feedback contract of these referrals is received_only
NETWORK = "network"


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

    history: list[dict[str, str]]
    legs: list[tuple[str, str, str, str]]  # id, state, sender, receiver
    requests: list[tuple[str, str]]  # key, referral it made
    steps: list[tuple[str, str, str]]  # organisation, referral, state entered
    told: list[Told]
    journal: list[tuple[str, int, dict[str, Any]]]  # stream, position, body
    delivered: list[dict[str, Any]] = field(default_factory=list)  # to a partner, in the order of arrival
    leftovers: dict[str, int] = field(default_factory=dict)  # what must be empty, by name


def collect(databases: Mapping[str, str], history: Path, *, queues: Mapping[str, int]) -> Evidence:
    """Read everything; `databases` are superuser addresses by service, `queues` the broker's count of messages."""
    with psycopg.connect(databases["referrals"]) as connection:
        legs = connection.execute("SELECT id::text, state, sender_id::text, receiver_id::text FROM leg").fetchall()
        requests = connection.execute(
            "SELECT key, object_id::text FROM request WHERE scope LIKE '%% POST /referrals '", ()
        ).fetchall()
        steps = connection.execute("SELECT org_id::text, referral_id::text, to_state FROM history").fetchall()
    with psycopg.connect(databases["subscriptions"]) as connection:
        journal = connection.execute("SELECT stream, position, body FROM journal ORDER BY stream, position").fetchall()
    told, leftovers = [], dict(queues)
    for service, address in databases.items():
        with psycopg.connect(address) as connection:
            told += [Told(service, *row) for row in connection.execute(TOLD).fetchall()]
            for name, query in (("waiting", WAITING), ("unpublished", UNPUBLISHED)):
                row = connection.execute(query).fetchone()
                leftovers[f"{service} {name}"] = row[0] if row else -1
    return Evidence(
        history=[json.loads(line) for line in history.read_text(encoding="utf-8").splitlines()],
        legs=[(str(row[0]), str(row[1]), str(row[2]), str(row[3])) for row in legs],
        requests=[(row[0], row[1]) for row in requests],
        steps=[(row[0], row[1], str(row[2])) for row in steps],
        told=told,
        journal=[(row[0], row[1], json.loads(bytes(row[2]))) for row in journal],
        leftovers=leftovers,
    )


TOLD = """
SELECT id::text, type, audience, aggregate_id::text, sequence FROM outbox WHERE exchange = 'events' ORDER BY no
"""
WAITING = "SELECT count(*) FROM inbox_waiting"
UNPUBLISHED = "SELECT count(*) FROM outbox WHERE published_at IS NULL"


def messages(management: str, vhost: str, password: str) -> dict[str, int]:
    """How many messages the broker holds in each queue inside (partners' queues are theirs)."""
    login = urllib3.make_headers(basic_auth=f"admin:{password}")
    answer = urllib3.request("GET", f"{management}/api/queues/{vhost}", headers=login, retries=False, timeout=10)
    found = json.loads(answer.data)
    return {each["name"]: each.get("messages", 0) for each in found if not each["name"].startswith("partner.")}


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
        *(f"{count} left in {name}" for name, count in sorted(evidence.leftovers.items()) if count),
    ]


def _referrals(evidence: Evidence) -> Iterator[str]:
    stored = Counter(leg[0] for leg in evidence.legs)
    made = defaultdict(set)
    for key, referral in evidence.requests:
        made[key].add(referral)
    for line in (line for line in evidence.history if line["action"] == "create"):
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
    for referral in set(stored) - set(asked):
        yield f"referral {referral} exists and no key asked for it"


def _steps(evidence: Evidence) -> Iterator[str]:
    legs = {leg[0]: leg for leg in evidence.legs}
    taken = Counter(evidence.steps)
    last = {line["referral"]: STATE_OF[line["action"]] for line in evidence.history}
    for line in evidence.history:
        leg = legs.get(line["referral"])
        times = taken[leg[3], leg[0], STATE_OF[line["action"]]] if leg else 0
        if times != 1:
            yield f"{line['action']} of {line['referral']} was acknowledged and stands {times} times in the history"
    for referral, state in last.items():
        if referral in legs and legs[referral][1] != state:
            yield f"referral {referral} is {legs[referral][1]}, the last acknowledged state was {state}"


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
    heard = Counter((stream, body["subject"], body["type"].split(".")[-2]) for stream, _, body in evidence.journal)
    for line in evidence.history:
        sender, receiver = parties.get(line["referral"], ("nobody", "nobody"))
        state = STATE_OF[line["action"]]
        if heard[f"org:{receiver}", line["referral"], state] != 1:
            yield f"{state} of {line['referral']} was not told once to the receiver"
        wanted = 0 if line["action"] in HIDDEN_FROM_SENDER else 1
        if heard[f"org:{sender}", line["referral"], state] != wanted:
            yield f"{state} of {line['referral']} was not told {wanted} times to the sender"


def _partner(evidence: Evidence) -> Iterator[str]:
    """Each event of the partner's streams came at least once, for the first time in order, and none of others."""
    own = {body["stream"] for body in evidence.delivered}
    if len(own - {NETWORK}) > 1:
        yield f"the partner got events of {sorted(own)}"
    for stream in own:
        yield from _delivered(evidence, stream)


def _delivered(evidence: Evidence, stream: str) -> Iterator[str]:
    first: dict[int, str] = {}
    for body in (body for body in evidence.delivered if body["stream"] == stream):
        first.setdefault(body["position"], body["id"])
    due = {position: body["id"] for name, position, body in evidence.journal if name == stream}
    if list(first) != sorted(first):
        yield f"the partner got {stream} in another order: {_cut(list(first))}"
    if first != {position: event for position, event in due.items() if position >= min(first)}:
        yield f"the partner has {len(first)} of {stream} from {min(first)} on, the journal {len(due)} in all"


def _cut(found: Sequence[int]) -> str:
    wrong = next((place for place, value in enumerate(found) if value != found[0] + place), 0)
    return f"… {list(found[max(0, wrong - 3) : wrong + 4])} …"
