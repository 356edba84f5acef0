"""A partner's reader for behind a firewall: follows its two streams over HTTPS for ever. Needs Python alone."""

import json
import os
import pathlib
import random
import threading
import time
import traceback
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

FEED = os.environ["PARTNER_FEED_URL"]
STATE = pathlib.Path(os.environ.get("PARTNER_STATE", "subscriber-state.json"))

state = {"positions": {}, **(json.loads(STATE.read_text()) if STATE.exists() else {})}
turn = threading.Lock()


def work(event: dict[str, Any]) -> None:
    """Put your own work here; when it raises, the program ends and begins with this event when it is started again."""
    kind, place = event["type"].split(".", 2)[2].rpartition(".")[0], f"{event['stream']}#{event['position']}"
    print(event["time"], kind, event["subject"], place, flush=True)


def do(event: dict[str, Any]) -> None:
    """Work, and remember it afterwards: the old state or the new one, never half of it."""
    with turn:
        work(event)
        state["positions"][event["stream"]] = event["position"]
        STATE.with_suffix(".new").write_text(json.dumps(state))
        STATE.with_suffix(".new").replace(STATE)


def token() -> str:
    """The access token; from a file it is read each time, so that you can put a new one there before the old ends."""
    file = os.environ.get("PARTNER_TOKEN_FILE")
    return pathlib.Path(file).read_text().strip() if file else os.environ["PARTNER_TOKEN"]


def ask(stream: str, after: int) -> tuple[list[dict[str, Any]], int]:
    """The events behind a position, after up to 25 seconds when there are none yet, and that position.

    It is a later one where what came before is no longer kept (410).
    """
    address = f"{FEED}?stream={stream}&after={after}&limit=200&wait=25"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token()}"})  # noqa: S310 - your own
    try:
        with urllib.request.urlopen(request, timeout=40) as answer:  # noqa: S310
            return json.load(answer)["events"], after
    except urllib.error.HTTPError as error:
        if error.code != 410:  # noqa: PLR2004 - gone
            raise
        return [], json.load(error)["oldest"] - 1


def trouble(stream: str, error: Exception) -> float:
    """Tell what went wrong; returns how many seconds the other side wants to be left alone."""
    status = error.code if isinstance(error, urllib.error.HTTPError) else None
    reason: dict[int | None, str] = {401: "the token is not valid (any more)", 503: "no place or no service just now"}
    print(f"{stream}: {reason.get(status) or status or type(error).__name__}", flush=True)
    wanted = error.headers.get("Retry-After", "") if isinstance(error, urllib.error.HTTPError) else ""
    return float(wanted) if wanted.isdecimal() else 0.0


def asked(stream: str, after: int) -> tuple[list[dict[str, Any]], int]:
    """The same, with growing pauses until there is an answer. Only asking is tried again, never your work."""
    pause = 0.5
    while True:
        try:
            return ask(stream, after)
        except (OSError, ValueError, HTTPException) as error:
            time.sleep(max(pause, trouble(stream, error)) * random.uniform(1.0, 1.5))  # noqa: S311 - only a spread
            pause = min(60.0, pause * 2)


def follow(stream: str) -> None:
    """Read one stream for ever, position by position."""
    last = next((at for name, at in state["positions"].items() if name.partition(":")[0] == stream), 0)
    while True:
        events, start = asked(stream, last)
        if start > last:
            print(f"LOST {stream}: what came before position {start + 1} is no longer kept", flush=True)
        if last == 0 and events:
            print(f"{stream} begins at position {events[0]['position']}", flush=True)
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
