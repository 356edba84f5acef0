"""Asks the network's feed for events: what a queue has lost (subscriber.py), or all of them (reader.py)."""

import json
import os
import pathlib
import random
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import Any

ADDRESS = os.environ.get("PARTNER_FEED_URL")
HINTS = {401: ": the token is not valid (any more)", 503: ": no place or no service just now"}
GONE = 410

Events = list[dict[str, Any]]


def say(line: str) -> None:
    """One line in one piece: two streams may speak at the same moment."""
    print(f"{line}\n", end="", flush=True)


def token() -> str:
    """The access token; from a file it is read each time, so that you can put a new one there before the old ends."""
    file = os.environ.get("PARTNER_TOKEN_FILE")
    return pathlib.Path(file).read_text().strip() if file else os.environ["PARTNER_TOKEN"]


def ask(stream: str, after: int, wait: int) -> tuple[Events, int]:
    """The events behind a position, and that position: a later one where what came before is no longer kept (410)."""
    address = f"{ADDRESS}?stream={stream.partition(':')[0]}&after={after}&limit=200&wait={wait}"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token()}"})  # noqa: S310 - your own
    try:
        with urllib.request.urlopen(request, timeout=wait + 15) as answer:  # noqa: S310
            return json.load(answer)["events"], after
    except urllib.error.HTTPError as error:
        if error.code != GONE:
            raise
        return [], json.load(error)["oldest"] - 1


def asked(stream: str, after: int, *, wait: int, rest: Callable[[float], object]) -> tuple[Events, int]:
    """The same, with growing pauses until there is an answer. Only asking is tried again, never your work."""
    pause = 0.5
    while True:
        try:
            events, start = ask(stream, after, wait)
        except (OSError, ValueError, HTTPException) as error:
            code = getattr(error, "code", 0)
            wish = getattr(error, "headers", None) or {}
            seconds = max(pause, float(wish.get("Retry-After") or 0)) * random.uniform(1.0, 1.5)  # noqa: S311 - a spread
            reason = f"{code or type(error).__name__}"
            say(f"no answer from the feed ({reason}){HINTS.get(code, '')}; again in {seconds:.1f} s")
            rest(seconds)
            pause = min(60.0, pause * 2)
            continue
        if start > after:
            say(f"LOST {stream}: what came before position {start + 1} is no longer kept")
        return events, start


def refill(stream: str, last: int, until: int, do: Callable[[dict[str, Any]], None], rest: Callable[..., Any]) -> None:
    """Do what a queue has lost, in order."""
    while last < until:
        events, start = asked(stream, last, wait=5, rest=rest)
        if start == last and (not events or events[0]["stream"] != stream):
            message = f"the feed has nothing of {stream} behind {last}: another network's feed, or another's token?"
            raise RuntimeError(message)
        last = start
        for event in events:
            do(event)
            last = event["position"]
