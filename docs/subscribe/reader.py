"""A partner's reader for behind a firewall: follows its two streams over HTTPS for ever. Needs feed.py and Python."""

import json
import os
import pathlib
import threading
import time
import traceback
from typing import Any

import feed

STATE = pathlib.Path(os.environ.get("PARTNER_STATE", "subscriber-state.json"))

state = {"positions": {}, **(json.loads(STATE.read_text()) if STATE.exists() else {})}
turn = threading.Lock()


def work(event: dict[str, Any]) -> None:
    """Put your own work here; when it raises, the program ends and begins with this event when it is started again."""
    kind, place = event["type"].split(".", 2)[2].rpartition(".")[0], f"{event['stream']}#{event['position']}"
    feed.say(f"{event['time']} {kind} {event['subject']} {place}")


def do(event: dict[str, Any]) -> None:
    """Work, and remember it afterwards: the old state or the new one, never half of it."""
    with turn:
        work(event)
        state["positions"][event["stream"]] = event["position"]
        STATE.with_suffix(".new").write_text(json.dumps(state))
        STATE.with_suffix(".new").replace(STATE)


def follow(stream: str) -> None:
    """Read one stream for ever, position by position."""
    last = next((at for name, at in state["positions"].items() if name.partition(":")[0] == stream), 0)
    while True:
        events, start = feed.asked(stream, last, wait=25, rest=time.sleep)
        if last == 0 and events:
            feed.say(f"{stream} begins at position {events[0]['position']}")
        last = start
        for event in events:
            do(event)
            last = event["position"]


def run(stream: str) -> None:
    """Follow a stream; when your work fails, the whole program ends and says why, so that it is noticed."""
    try:
        follow(stream)
    except BaseException:  # noqa: BLE001 - whatever it is
        traceback.print_exc()
    finally:
        os._exit(1)


threading.Thread(target=run, args=("network",), daemon=True).start()
run("org")
