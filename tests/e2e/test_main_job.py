"""The main job over HTTP and AMQP: police refer, the centre accepts, a man signs up, partners hear of it."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pika
import pytest

from services.groups.schemas import NEW_SIGN_UP_EXAMPLE
from tests.support import readme
from tests.support.client import CENTRE, POLICE, Answer, Client, client, eventually, org_id
from tests.support.network import Network
from tests.support.rows import rows

TRACE = "0af7651916cd43dd8448eb211c80319c"
HEARD_SECONDS = 30.0


@pytest.fixture(scope="module")
def police(demo: Network) -> Client:
    return client(demo.settings, POLICE)


@pytest.fixture(scope="module")
def centre(demo: Network) -> Client:
    return client(demo.settings, CENTRE)


class PartnerQueue:
    """A partner's own reader of its queue."""

    def __init__(self, address: str, queue: str) -> None:
        self._connection = pika.BlockingConnection(pika.URLParameters(address))
        self._channel = self._connection.channel()
        self._queue = queue
        self.bodies: list[bytes] = []

    def until(self, kind: str, subject: str) -> None:
        """Read until an event of this kind about this subject came."""
        deadline = time.monotonic() + HEARD_SECONDS
        while not any(is_about(json.loads(body), kind, subject) for body in self.bodies):
            assert time.monotonic() < deadline, f"{kind} about {subject} never came"
            _method, _properties, body = self._channel.basic_get(self._queue, auto_ack=True)
            if body is None:
                time.sleep(0.05)
            else:
                self.bodies.append(body)

    def close(self) -> None:
        self._connection.close()


def is_about(event: dict[str, Any], kind: str, subject: str) -> bool:
    return event["type"] == f"eu.tukiverkko.{kind}.v1" and event["subject"] == subject


@pytest.fixture
def queue(demo: Network) -> Iterator[PartnerQueue]:
    """A queue of the centre's by the command that partners get it by."""

    def granted() -> str | None:
        made = demo.command("grant", "create", "--org", CENTRE, "--name", f"e2e-{secrets.token_hex(4)}")
        return made.stdout if made.returncode == 0 else None

    said = eventually(granted)
    found = dict(re.findall(r"^(\w+) +(\S.*)$", said, re.MULTILINE))
    opened = PartnerQueue(found["address"], found["queue"])
    yield opened
    opened.close()


def move(by: Client, referral: Answer, action: str, body: object) -> Answer:
    answer = by.post(f"/referrals/{referral.body['id']}/{action}", body, version=referral.version)
    assert answer.status == 200, answer.raw
    return answer


def posted(by: Client) -> Answer:
    """README's referral; the first may have to wait until referrals has heard of the directory."""
    return eventually(lambda: answer if (answer := by.post("/referrals", readme.referral())).status == 201 else None)


def test_a_referral_and_a_sign_up_go_the_whole_way(
    demo: Network, police: Client, centre: Client, queue: PartnerQueue
) -> None:
    referral = posted(police)
    subject = referral.body["id"]
    assert referral.body["state"] == "sent"
    assert referral.headers["Location"] == f"/referrals/{subject}"
    (found,) = [line for line in centre.get("/referrals/inbox?state=sent").body["items"] if line["id"] == subject]
    assert (found["side"], found["urgency"]) == ("receiver", "urgent")
    assert "person" not in found
    read = centre.get(f"/referrals/{subject}")
    assert read.body["person"] == readme.referral()["person"]
    assert read.body["allowed_actions"] == ["acknowledge", "accept", "decline", "forward", "revoke_consent"]
    received = move(centre, read, "acknowledge", {})
    accepted = move(centre, received, "accept", {"responsible": "Intake team", "next_step_on": "2027-01-11"})
    assert [received.body["state"], accepted.body["state"]] == ["received", "accepted"]
    assert accepted.body["handling"]["responsible"] == "Intake team"

    signed_up = client(demo.settings).post("/signups", {**NEW_SIGN_UP_EXAMPLE, "alias": "Jonas"})
    assert signed_up.status == 201, signed_up.raw
    queue.until("signup.received", signed_up.body["signup_id"])
    queue.until("referral.accepted", subject)
    heard = [json.loads(body) for body in queue.bodies]
    told = [event for event in heard if event["subject"] == subject]
    assert [event["type"].split(".")[3] for event in told] == ["sent", "received", "accepted"]
    assert [event["sequence"] for event in told] == [1, 2, 3]
    assert_no_gaps(heard)
    assert_same_bytes(centre, queue.bodies)
    assert "Pavyzdys" not in b"".join(queue.bodies).decode()
    assert "Jonas" not in b"".join(queue.bodies).decode()


def assert_no_gaps(heard: list[dict[str, Any]]) -> None:
    positions = defaultdict(list)
    for event in heard:
        positions[event["stream"]].append(event["position"])
    assert f"org:{org_id(CENTRE)}" in positions
    assert all(found == list(range(found[0], found[0] + len(found))) for found in positions.values())


def assert_same_bytes(centre: Client, bodies: list[bytes]) -> None:
    own = [body for body in bodies if json.loads(body)["stream"] == f"org:{org_id(CENTRE)}"]
    first, last = json.loads(own[0])["position"], json.loads(own[-1])["position"]
    feed = centre.get(f"/events?stream=org&after={first - 1}&limit={len(own)}")
    assert feed.raw == b'{"events":[%b],"next":%d}' % (b",".join(own), last)


def test_the_sender_sees_received_and_no_more(police: Client, centre: Client) -> None:
    referral = posted(police)
    subject = referral.body["id"]
    received = move(centre, centre.get(f"/referrals/{subject}"), "acknowledge", {})
    seen = police.get(f"/referrals/{subject}")
    move(centre, received, "accept", {"responsible": "Intake team", "next_step_on": "2027-01-11"})
    after = police.get(f"/referrals/{subject}")
    assert after.raw == seen.raw  # neither a field nor the version tells that there was more
    assert after.version == seen.version
    assert after.body["state"] == "received"
    assert "handling" not in after.body
    history = police.get(f"/referrals/{subject}/history").body["items"]
    assert [step["to_state"] for step in history] == ["sent", "received"]
    eventually(lambda: [event for event in centre.events() if is_about(event, "referral.accepted", subject)])
    told = [event["type"] for event in police.events() if event["subject"] == subject]
    assert told == ["eu.tukiverkko.referral.sent.v1", "eu.tukiverkko.referral.received.v1"]


def test_the_history_tells_who_when_and_why(police: Client, centre: Client) -> None:
    referral = posted(police)
    subject = referral.body["id"]
    move(centre, centre.get(f"/referrals/{subject}"), "decline", {"reason": "already_client", "text": "Invented."})
    own, other = (by.get(f"/referrals/{subject}/history").body["items"] for by in (centre, police))
    assert [step["to_state"] for step in own] == ["sent", "received", "declined"]
    assert own[-1]["reason_code"] == "already_client"
    assert other[-1]["reason_code"] == "not_possible_here"
    assert own[-1]["by"] == {"id": str(org_id(CENTRE)), "key": CENTRE}
    assert own[-1]["by_subject"] == f"client:test:{CENTRE}"
    assert other[-1]["by_subject"] is None
    assert own[0]["at"] <= own[1]["at"] <= own[2]["at"]


def test_positions_and_sequences_have_no_gap_in_any_stream(police: Client, centre: Client) -> None:
    posted(police)
    for reader, stream in ((police, "org"), (centre, "org"), (centre, "network")):
        events = reader.events(stream)
        assert [event["position"] for event in events] == list(range(1, len(events) + 1))
        sequences = defaultdict(list)
        for event in events:
            sequences[event["source"], event["subject"]].append(event["sequence"])
        for subject, found in sequences.items():
            assert found == list(range(1, len(found) + 1)), subject


def test_the_trace_goes_in_and_out_and_along_with_the_event(demo: Network, police: Client) -> None:
    posted(police)
    sent = f"00-{TRACE}-b7ad6b7169203331-01"
    answer = police.post("/referrals", readme.referral(), headers={"traceparent": sent, "X-Request-Id": "e2e.1"})
    assert answer.status == 201
    assert answer.headers["traceparent"].split("-")[1] == TRACE
    assert answer.headers["X-Request-Id"] == "e2e.1"
    told = rows(
        demo.settings, "referrals", "SELECT traceparent FROM outbox WHERE aggregate_id = %s", (answer.body["id"],)
    )
    assert [row[0].split("-")[1] for row in told] == [TRACE, TRACE]
    assert police.get("/referrals/sent").headers["traceparent"].split("-")[1] != TRACE
