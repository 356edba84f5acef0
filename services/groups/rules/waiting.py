"""Why a man waits, in a code and in plain words, and how long it usually took (groups.md section 4)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from services.groups.rules.queue import MANDATED, admits

ENOUGH = 5
"""So many men must have waited before a range is told; fewer would speak of somebody."""

WORDS = {
    "no_seat": (
        "All seats are taken. The queue goes strictly by the time of signing up; nobody is passed over without a "
        "reason that is written down. When a seat becomes free, the first of the queue is asked at once."
    ),
    "share_reached": (
        "Men who were sent may hold a part of the seats only, and that part is full. When one of them leaves, the next "
        "who was sent is asked."
    ),
    "has_begun": (
        "The group has begun and takes nobody by itself. A coordinator may call the first of the queue; who still "
        "waits at the end keeps his age in the queue of the next group, if there is one."
    ),
    "between_windows": (
        "This group has begun and takes new men before certain meetings only. Before the next of these the first of "
        "the queue is asked."
    ),
    "quota_reached": (
        "Your delegation holds all of its seats. When one of them becomes free, the first of your delegation is asked."
    ),
    "others_first": "A seat is being offered to somebody who waited before you.",
}


def why(group: Mapping[str, Any], *, track: int, quota_full: bool = False) -> dict[str, str]:
    """The rule by which somebody waits; `group` with state, admission, window_open, capacity and held."""
    code = _code(group, track, quota_full=quota_full)
    return {"code": code, "text": WORDS[code]}


def usual_weeks(found: Mapping[str, Any]) -> dict[str, int] | None:
    """Between how many weeks half of those before him waited in this programme; None while too few did."""
    if found["men"] < ENOUGH:
        return None
    return {"from": math.floor(found["low"]), "to": max(1, math.ceil(found["high"]))}


def _code(group: Mapping[str, Any], track: int, *, quota_full: bool) -> str:
    if not admits(group["state"], group["admission"]):
        return "has_begun"
    if not group["window_open"]:
        return "between_windows"
    if group["held"] >= group["capacity"]:
        return "no_seat"
    if quota_full:
        return "quota_reached"
    return "share_reached" if track == MANDATED else "others_first"
