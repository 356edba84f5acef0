"""One partner reads its events three ways through the front: the same ids, bytes and positions on each of them."""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from collections.abc import Iterator

import pika
import pytest

from tests.support import readme
from tests.support.client import CENTRE, POLICE, Client, client, eventually
from tests.support.network import Network

OWN_ROLES = {"subscriber"}


@pytest.fixture(scope="module")
def police(demo: Network) -> Client:
    made = client(demo.settings, POLICE)
    eventually(lambda: made.post("/referrals", readme.referral()).status == 201)
    return made


@pytest.fixture(scope="module")
def reader(demo: Network) -> Client:
    return client(demo.settings, CENTRE, roles=OWN_ROLES)


@pytest.fixture
def queue(demo: Network) -> Iterator[tuple[str, str]]:
    """Address and name of a queue of the centre's."""
    name = f"feed-{secrets.token_hex(4)}"

    def granted() -> str | None:
        made = demo.command("grant", "create", "--org", CENTRE, "--name", name)
        return made.stdout if made.returncode == 0 else None

    found = dict(re.findall(r"^(\w+) +(\S.*)$", eventually(granted), re.MULTILINE))
    yield found["address"], found["queue"]
    demo.command("grant", "revoke", "--org", CENTRE, "--name", name)


def over_amqp(address: str, queue: str, stream: str, last: int) -> list[bytes]:
    """What the queue holds of a stream, up to a position."""
    found: list[bytes] = []
    deadline = time.monotonic() + 30
    connection = pika.BlockingConnection(pika.URLParameters(address))
    channel = connection.channel()
    while not found or json.loads(found[-1])["position"] < last:
        assert time.monotonic() < deadline, found
        body = channel.basic_get(queue, auto_ack=True)[2]
        if body is not None and json.loads(body)["stream"].partition(":")[0] == stream:
            found.append(body)
    connection.close()
    return found


def over_stream(by: Client, stream: str, after: int, last: int) -> list[tuple[int, str, bytes]]:
    """Id, type and data of the messages behind a position, up to another."""
    headers = {"Authorization": f"Bearer {by.token}", "Last-Event-ID": str(after)}
    answer = by.pool.request(
        "GET", f"{by.url}/events/stream?stream={stream}", headers=headers, preload_content=False, timeout=20
    )
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/event-stream")
    got = b""
    for piece in answer.stream():
        got += piece
        if b"\nid: %d\n" % last in got and got.endswith(b"\n\n"):
            break
    answer.close()
    found = re.findall(rb"id: (\d+)\nevent: ([^\n]+)\ndata: ([^\n]+)\n\n", got)
    return [(int(number), kind.decode(), data) for number, kind, data in found]


@pytest.mark.parametrize("stream", ["org", "network"])
def test_three_ways_the_same_bytes(
    demo: Network, police: Client, reader: Client, queue: tuple[str, str], stream: str
) -> None:
    before = len(reader.events(stream))
    if stream == "org":
        for _ in range(3):
            assert police.post("/referrals", readme.referral()).status == 201
    else:
        centre = client(demo.settings, CENTRE)
        path = "/directory/services/lt-kavkc-behaviour-change"
        for accepting in ("closed", "open"):
            changed = centre.ask("PUT", f"{path}/accepting", {"accepting": accepting}, version=centre.get(path).version)
            assert changed.status == 200, changed.raw
    eventually(lambda: len(reader.events(stream)) > before + 1)
    told = over_amqp(*queue, stream, len(reader.events(stream)))
    first, last = (json.loads(body)["position"] for body in (told[0], told[-1]))
    assert [json.loads(body)["position"] for body in told] == list(range(first, last + 1))
    feed = reader.get(f"/events?stream={stream}&after={first - 1}&limit={len(told)}")
    assert feed.raw == b'{"events":[%b],"next":%d}' % (b",".join(told), last)
    streamed = over_stream(reader, stream, first - 1, last)
    assert [data for _, _, data in streamed][: len(told)] == told
    assert [number for number, _, _ in streamed][: len(told)] == list(range(first, last + 1))
    kinds = [".".join(json.loads(body)["type"].split(".")[2:4]) for body in told]
    assert [kind for _, kind, _ in streamed][: len(told)] == kinds


def test_a_long_poll_through_the_front_answers_when_something_comes(police: Client, reader: Client) -> None:
    last = len(reader.events("org"))
    found = []
    waiting = threading.Thread(target=lambda: found.append(reader.get(f"/events?after={last}&wait=13")))
    waiting.start()
    time.sleep(1)
    assert not found
    assert police.post("/referrals", readme.referral()).status == 201
    waiting.join(14)
    assert [event["position"] for event in found[0].events][:1] == [last + 1]


def test_the_process_behind_may_restart_under_those_who_wait(demo: Network, police: Client, reader: Client) -> None:
    last = len(reader.events("org"))
    killed = demo.line("subscriptions").pid
    found = []
    waiting = threading.Thread(target=lambda: found.append(reader.get(f"/events?after={last}&wait=13")))
    waiting.start()
    time.sleep(0.5)
    demo.kill("subscriptions")
    demo.until_back("subscriptions", killed)
    waiting.join(20)
    assert found[0].status in {200, 503}
    assert police.post("/referrals", readme.referral()).status == 201
    eventually(lambda: len(reader.events("org")) > last)
    assert [event["position"] for event in reader.events("org")] == list(range(1, len(reader.events("org")) + 1))
