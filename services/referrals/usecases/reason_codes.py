"""The reason codes in force on a day, for everybody who shows or sends them; nothing about anybody is in them."""

from __future__ import annotations

import zlib
from dataclasses import asdict
from typing import Any

from chassis import clock
from chassis.requests import Call, Outcome
from services.referrals.rules import reasons
from services.referrals.rules.reasons import Reason

KEPT = {"Cache-Control": "public, max-age=3600"}


def reason_codes(call: Call) -> Outcome:
    """The codes of one list or of all, with their labels in one language or in all."""
    query = call.query
    on = query["on"] or clock.now().date()
    found = [_shown(reason, query["lang"]) for reason in reasons.selected(name=query["list"], on=on)]
    value = {"on": on, "codes": found}
    return Outcome(value=value, version=zlib.crc32(repr(value).encode()) or 1, headers=dict(KEPT))


def _shown(reason: Reason, language: str | None) -> dict[str, Any]:
    labels = {name: text for name, text in reason.labels.items() if language in {None, name}}
    return {**asdict(reason), "labels": labels}
