"""A partner's subscriber: reads its queue for ever, once per event, and tells when one is missing. Needs pika only."""

import collections
import datetime as dt
import json
import os
import pathlib
import sys
import time
from typing import Any

import pika
from pika.exceptions import AMQPError

QUEUE = sys.argv[1] if len(sys.argv) > 1 else os.environ["PARTNER_QUEUE"]
STATE = pathlib.Path(os.environ.get("PARTNER_STATE", "subscriber-state.json"))

state = json.loads(STATE.read_text()) if STATE.exists() else {"positions": {}, "seen": []}
seen = collections.deque(state["seen"], maxlen=1000)


def work(event: dict[str, Any]) -> None:
    """Put your own work here; when it raises, the event is not acknowledged and comes again."""
    took = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(event["time"])  # noqa: TID251 - no chassis here
    kind, place = event["type"].split(".", 2)[2].rpartition(".")[0], f"{event['stream']}#{event['position']}"
    print(event["time"], kind, event["subject"], place, f"{took.total_seconds() * 1000:.1f} ms", flush=True)


def take(channel: Any, method: Any, _properties: Any, body: bytes) -> None:
    """Take one delivery: skip what was seen, tell a gap, work, remember, and only then acknowledge."""
    event = json.loads(body)
    stream, position = event["stream"], event["position"]
    last = state["positions"].get(stream, position - 1)
    if event["id"] not in seen and position > last:
        if position != last + 1:
            print(f"GAP {stream}: {last + 1} to {position - 1} are missing; fetch them from GET /events", flush=True)
        work(event)
        seen.append(event["id"])
        state["positions"][stream] = position
        STATE.with_suffix(".new").write_text(json.dumps({**state, "seen": list(seen)}))
        STATE.with_suffix(".new").replace(STATE)  # the old state or the new one, never half of it
    channel.basic_ack(method.delivery_tag)


pause = 0.5
while True:
    try:
        parameters = pika.URLParameters(os.environ["PARTNER_AMQP_URL"])
        parameters.heartbeat, parameters.blocked_connection_timeout = 20, 30
        with pika.BlockingConnection(parameters) as connection:
            reader = connection.channel()
            reader.basic_qos(prefetch_count=50)
            reader.basic_consume(QUEUE, take)
            print(f"reading {QUEUE}", flush=True)
            pause = 0.5
            reader.start_consuming()
    except (AMQPError, OSError) as error:
        print(f"connection lost ({type(error).__name__}); again in {pause:.1f} s", flush=True)
        time.sleep(pause)
        pause = min(30.0, pause * 2)
