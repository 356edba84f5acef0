"""Reason codes as dated reference data: which codes a list has on a day, what leaves the receiver, labels (section 8).

`reason_codes.json` beside this module is the one source. A code is never taken out of it: it gets `effective_to`, is
refused from the day after, and still has its label in what was recorded before.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chassis.errors import FieldError, Invalid

LANGUAGES = ("en", "lt", "lv", "et", "fi", "sv", "nb", "ru")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One code of one list: whom it is attributed to, what helps next, what is told outside, from when to when.

    `attribution` and `redirect` are None where nobody's doing is meant and nothing helps; both days are included.
    """

    list: str
    code: str
    attribution: str | None
    redirect: str | None
    outward: str
    effective_from: dt.date
    effective_to: dt.date | None
    labels: Mapping[str, str]

    def in_force(self, on: dt.date) -> bool:
        """Whether it can be given on this day."""
        return self.effective_from <= on and (self.effective_to is None or on <= self.effective_to)


def _read() -> tuple[Reason, ...]:
    text = Path(__file__).with_name("reason_codes.json").read_text(encoding="utf-8")
    return tuple(_reason(name, entry) for entry in json.loads(text) for name in entry["lists"])


def _reason(name: str, entry: dict[str, str]) -> Reason:
    until = entry["effective_to"]
    days = {
        "effective_from": dt.date.fromisoformat(entry["effective_from"]),
        "effective_to": dt.date.fromisoformat(until) if until else None,
    }
    rest = {key: value for key, value in entry.items() if key not in {"lists", *days}}
    return Reason(list=name, **days, **rest)  # type: ignore[arg-type]  # a test holds each field's kind


REASONS = _read()
LISTS = tuple(dict.fromkeys(reason.list for reason in REASONS))
_OUTWARD = {reason.code: reason.outward for reason in REASONS}
BY_FIELD = {
    ("decline", "reason"): "decline",
    ("forward", "reason"): "forward",
    ("withdraw", "reason"): "withdraw",
    ("hold", "reason"): "hold",
    ("end", "reason"): "end",
    ("complete", "outcome"): "outcome",
    ("close_concern", "outcome"): "concern_outcome",
}
"""Which list a field of a transition's body takes its code from; levels of goals stand inside a list of their own."""


def known(name: str) -> tuple[str, ...]:
    """Every code that a list ever had, in its order: what can stand in old records."""
    return tuple(dict.fromkeys(reason.code for reason in REASONS if reason.list == name))


def codes_in_force(name: str, on: dt.date, table: Iterable[Reason] | None = None) -> tuple[str, ...]:
    """The codes of a list that can be given on a day."""
    rows = REASONS if table is None else table
    return tuple(reason.code for reason in rows if reason.list == name and reason.in_force(on))


def check_body(action: str, body: Mapping[str, Any], on: dt.date) -> None:
    """Raises Invalid for a code in the body of a transition that is not in force on this day."""
    for (of, field), name in BY_FIELD.items():
        if of == action and body.get(field) is not None:
            check(name, body[field], on, pointer=f"/{field}")
    for number, goal in enumerate(body.get("goals") or () if action == "complete" else ()):
        check("goal_level", goal["level"], on, pointer=f"/goals/{number}/level")


def check(name: str, code: str, on: dt.date, *, pointer: str, table: Iterable[Reason] | None = None) -> None:
    """Raises Invalid, with the codes in force, for a code that cannot be given on this day."""
    possible = codes_in_force(name, on, table)
    if code in possible:
        return
    detail = f"On {on} this code is not in force. In force: {', '.join(possible)}."
    raise Invalid("reason.not_in_force", detail, fields=(FieldError(pointer, "reason.not_in_force", detail),))


def outward(code: str | None) -> str | None:
    """The form of a code that leaves the receiver, whichever list it is from."""
    return _OUTWARD.get(code, code) if code else code


def label(code: str | None, language: str, *, prefer: str = "") -> str | None:
    """The label of a code, retired or not; of the preferred list where several have it. None for no or another code."""
    found = [reason for reason in REASONS if reason.code == code]
    found.sort(key=lambda reason: reason.list != prefer)
    return found[0].labels[language] if found else None


def selected(*, name: str | None, on: dt.date, table: Iterable[Reason] | None = None) -> list[Reason]:
    """The codes of one list or of all that can be given on a day."""
    rows = REASONS if table is None else table
    return [reason for reason in rows if name in {None, reason.list} and reason.in_force(on)]
