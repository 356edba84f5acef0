"""Seats of delegations in courses, seminars and conferences: so many each may hold at most (groups.md, top)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chassis.errors import Conflict, FieldError, Invalid

KINDS = frozenset({"training", "course"})


def check_quotas(kind: str, quotas: Sequence[Mapping[str, Any]], *, capacity: int) -> None:
    """Raise Invalid for quotas of a kind that has none, twice of one delegation, or above the capacity."""
    names = [each["delegation"] for each in quotas]
    if quotas and kind not in KINDS:
        raise _at("/quotas", "group.no_quotas", f"Only {' and '.join(sorted(KINDS))} groups have seats of delegations.")
    if len(set(names)) < len(names):
        raise _at("/quotas", "group.quota_twice", "Each delegation is named once.")
    if any(each["seats"] > capacity for each in quotas):
        raise _at("/quotas", "group.quota_large", f"A delegation can have {capacity} seats at most.")


def check_lowering(quotas: Sequence[Mapping[str, Any]], held: Mapping[str, int]) -> None:
    """Raise Conflict when a delegation holds more seats than it is to have, or is to have none any more."""
    wanted = {each["delegation"]: each["seats"] for each in quotas}
    short = sorted(name for name, seats in held.items() if seats > wanted.get(name, 0)) if wanted else []
    if short:
        message = f"These hold more seats than that: {', '.join(short)}."
        raise Conflict("group.seats_held", message, allowed=())


def check_named(delegation: str | None, known: Iterable[str]) -> None:
    """Raise Invalid where a group has delegations and none of them is named, or one is named where there are none."""
    names = sorted(known)
    if delegation is None and names:
        raise _at("/delegation", "signup.delegation", f"Say for which delegation: {', '.join(names)}.")
    if delegation is not None and delegation not in names:
        raise _at("/delegation", "signup.delegation", "This group has no such delegation.")


def _at(pointer: str, code: str, detail: str) -> Invalid:
    return Invalid(code, detail, fields=(FieldError(pointer, "choice", detail),))
