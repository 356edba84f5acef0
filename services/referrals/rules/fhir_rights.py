"""The rights of the FHIR routes that have no route beside them of the same right; the others have the same rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from chassis.policy import Row

SEARCH, MOVE = "fhir.search", "fhir.move"
LISTS = ("referral.inbox", "referral.sent")


def beside(rows: Iterable[Row], actions: Iterable[str]) -> tuple[Row, ...]:
    """Who may search and who may ask for a step, by the rows of lists and transitions: no door is wider than another.

    A search shows on each side what that side's list shows; a step goes through the row of its own transition as well.
    """
    known = tuple(rows)
    steps = frozenset(f"referral.{action}" for action in actions)
    movers = frozenset[str]().union(*(row.roles for row in known if row.operation in steps))
    readers = frozenset[str]().union(*(row.roles for row in known if row.operation == "referral.read"))
    return (
        *(replace(row, operation=SEARCH) for row in known if row.operation in LISTS),
        Row(MOVE, movers & readers),
    )
