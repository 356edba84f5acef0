"""A partner's subscriber: reads its queue for ever, once per event, and refills gaps from the feed. Needs pika only."""

import collections
import datetime as dt
import json
import os
import pathlib
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any

import pika
from pika.exceptions import AMQPError

QUEUE = sys.argv[1] if len(sys.argv) > 1 else os.environ["PARTNER_QUEUE"]
STATE = pathlib.Path(os.environ.get("PARTNER_STATE", "subscriber-state.json"))
FEED = os.environ.get("PARTNER_FEED_URL")

state = {"positions": {}, "seen": [], **(json.loads(STATE.read_text()) if STATE.exists() else {})}
seen = collections.deque(state["seen"], maxlen=1000)


def work(event: dict[str, Any]) -> None:
    """Put your own work here; when it raises, the program ends, and the event comes again when it is started again."""
    took = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(event["time"])  # noqa: TID251 - no chassis here
    kind, place = event["type"].split(".", 2)[2].rpartition(".")[0], f"{event['stream']}#{event['position']}"
    print(event["time"], kind, event["subject"], place, f"{took.total_seconds() * 1000:.1f} ms", flush=True)


def do(event: dict[str, Any]) -> None:
    """Work, and remember it afterwards: the old state or the new one, never half of it."""
    work(event)
    seen.append(event["id"])
    state["positions"][event["stream"]] = event["position"]
    STATE.with_suffix(".new").write_text(json.dumps({**state, "seen": list(seen)}))
    STATE.with_suffix(".new").replace(STATE)


def token() -> str:
    """The access token; from a file it is read each time, so that you can put a new one there before the old ends."""
    file = os.environ.get("PARTNER_TOKEN_FILE")
    return pathlib.Path(file).read_text().strip() if file else os.environ["PARTNER_TOKEN"]


def ask(stream: str, after: int) -> tuple[list[dict[str, Any]], int]:
    """The events behind a position, and that position: a later one where what came before is kept nowhere (410)."""
    address = f"{FEED}?stream={stream.partition(':')[0]}&after={after}&limit=200&wait=5"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token()}"})  # noqa: S310 - your own
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return json.load(answer)["events"], after
    except urllib.error.HTTPError as error:
        if error.code != 410:  # noqa: PLR2004 - gone
            raise
        return [], json.load(error)["oldest"] - 1


def asked(connection: Any, stream: str, after: int) -> tuple[list[dict[str, Any]], int]:
    """The same, with growing pauses until the feed answers.

    The event in hand is kept meanwhile: given back, it would come again at once, and the broker drops what came 50
    times. The connection to the broker is kept alive.
    """
    pause = 0.5
    while True:
        try:
            return ask(stream, after)
        except (OSError, ValueError, HTTPException) as error:
            reason = getattr(error, "code", type(error).__name__)  # 401: the token is not valid (any more)
            print(f"no answer from the feed ({reason}); again in {pause:.1f} s", flush=True)
        try:
            connection.sleep(pause)
        except (AMQPError, OSError):  # shows itself once more when the event is acknowledged
            time.sleep(pause)
        pause = min(30.0, pause * 2)


def refill(connection: Any, stream: str, last: int, until: int) -> None:
    """Do what the queue has lost, in order."""
    while last < until:
        events, start = asked(connection, stream, last)
        if start > last:
            print(f"LOST {stream}: what came before position {start + 1} is no longer kept", flush=True)
        elif not events or events[0]["stream"] != stream:
            message = f"the feed has nothing of {stream} behind {last}: another network's feed, or another's token?"
            raise RuntimeError(message)
        last = start
        for event in events:
            do(event)
            last = event["position"]


def take(connection: Any, event: dict[str, Any]) -> None:
    """Take one delivery: skip what was seen, refill a gap, do it."""
    stream, position = event["stream"], event["position"]
    last = state["positions"].get(stream, position - 1)
    if event["id"] not in seen and position > last + 1:
        what = "fetching them" if FEED else "fetch them from GET /events"
        print(f"GAP {stream}: {last + 1} to {position - 1} are missing; {what}", flush=True)
        refill(connection, stream, last, position - 1 if FEED else last)
    if event["id"] not in seen and position > state["positions"].get(stream, 0):
        do(event)


def deliveries() -> Iterator[tuple[Any, dict[str, Any]]]:
    """What the queue gives, for ever; each is acknowledged when the next one is asked for.

    Only what goes wrong between us and the broker is caught here: an error of your work ends the program.
    """
    pause = 0.5
    while True:
        try:
            parameters = pika.URLParameters(os.environ["PARTNER_AMQP_URL"])
            parameters.heartbeat, parameters.blocked_connection_timeout = 20, 30
            with pika.BlockingConnection(parameters) as connection:
                reader = connection.channel()
                reader.basic_qos(prefetch_count=50)
                print(f"reading {QUEUE}", flush=True)
                for method, _properties, body in reader.consume(QUEUE):
                    yield connection, json.loads(body)
                    reader.basic_ack(method.delivery_tag)
                    pause = 0.5
        except (AMQPError, OSError) as error:
            print(f"connection lost ({type(error).__name__}); again in {pause:.1f} s", flush=True)
        time.sleep(pause)
        pause = min(30.0, pause * 2)


for broker, told in deliveries():
    take(broker, told)
