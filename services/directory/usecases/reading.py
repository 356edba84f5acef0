"""What everybody may read: organisations, services and the network; public facts only, so nobody is asked who he is."""

from __future__ import annotations

from typing import Any

from chassis import paging
from chassis.db import Database, Work
from chassis.requests import Call, Outcome
from services.directory import views
from services.directory.usecases import searching


def organisations(db: Database, call: Call) -> Outcome:
    """List organisations, the best fit first when a place or words are asked for. Raises BadQuery."""
    with db.view() as work:
        rows = views.organisations(work, _asked(work, call.query))
        return Outcome(value=paging.ranked_page(rows, call.query["limit"]))


def organisation(db: Database, call: Call) -> Outcome:
    """One organisation by key or id. Raises NotFound."""
    with db.view() as work:
        row = views.organisation(work, call.path["organisation"])
        return Outcome(value=row, version=row["version"])


def network(db: Database, _call: Call) -> Outcome:
    """Who works with whom: memberships, initiatives, indicators, licences and facts."""
    with db.view() as work:
        return Outcome(value=views.network(work))


def _asked(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """The filters with the place taken apart: "LT:Kaunas", "LT-15", or "Kaunas" in the countries that have one."""
    placed = searching.placed(work, {**query, "question": None})
    position = paging.ranked_position(query["cursor"])
    words = None if query["search"] is None else " ".join(query["search"].split())
    return {**query, **placed, "search": words, "position": position, "limit": query["limit"] + 1}
