"""A partner's subscriber: reads its queue for ever, once per event. Needs pika, and feed.py for what the queue lost."""

import collections
import datetime as dt
import json
import os
import pathlib
import ssl
import sys
import time
from collections.abc import Iterator
from typing import Any

import feed
import pika
from pika.exceptions import AMQPError

QUEUE = sys.argv[1] if len(sys.argv) > 1 else os.environ["PARTNER_QUEUE"]
STATE = pathlib.Path(os.environ.get("PARTNER_STATE", "subscriber-state.json"))

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


def take(event: dict[str, Any], connection: Any) -> None:
    """Take one delivery: skip what was seen, refill a gap, do it."""
    stream, position = event["stream"], event["position"]
    last = state["positions"].get(stream, position - 1)
    if event["id"] not in seen and position > last + 1:
        what = "fetching them" if feed.ADDRESS else "fetch them from GET /events"
        print(f"GAP {stream}: {last + 1} to {position - 1} are missing; {what}", flush=True)
        if (
            feed.ADDRESS
        ):  # the event in hand is kept meanwhile, and the connection alive: given back it would come again
            feed.refill(stream, last, position - 1, do, lambda seconds: rest(connection, seconds))
    if event["id"] not in seen and position > state["positions"].get(stream, 0):
        do(event)


def rest(connection: Any, seconds: float) -> None:
    """Wait, and keep the connection to the broker alive; a lost one shows itself when the event is acknowledged."""
    try:
        connection.sleep(seconds)
    except (AMQPError, OSError):
        time.sleep(seconds)


def parameters() -> pika.URLParameters:
    """Where the broker is; over amqps its certificate and name are checked, which the address alone would not do."""
    told = pika.URLParameters(os.environ["PARTNER_AMQP_URL"])
    told.heartbeat, told.blocked_connection_timeout = 20, 30
    if told.ssl_options is not None:
        checked = ssl.create_default_context(cafile=os.environ.get("PARTNER_AMQP_CA"))
        told.ssl_options = pika.SSLOptions(checked, told.host)
    return told


def deliveries() -> Iterator[tuple[dict[str, Any], Any]]:
    """What the queue gives, for ever; each is acknowledged when the next one is asked for, after your work."""
    pause = 0.5
    while True:
        try:
            with pika.BlockingConnection(parameters()) as connection:
                reader = connection.channel()
                reader.basic_qos(prefetch_count=50)
                print(f"reading {QUEUE}", flush=True)
                for method, _properties, body in reader.consume(QUEUE):
                    yield json.loads(body), connection
                    reader.basic_ack(method.delivery_tag)
                    pause = 0.5
        except (AMQPError, OSError) as error:  # of the connection alone: an error of your work ends the program
            print(f"connection lost ({type(error).__name__}); again in {pause:.1f} s", flush=True)
        time.sleep(pause)
        pause = min(30.0, pause * 2)


for told, broker in deliveries():
    take(told, broker)
