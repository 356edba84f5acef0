"""What everybody may read: organisations, services and the network; public facts only, so nobody is asked who he is."""

from __future__ import annotations

from typing import Any

from chassis import clock, paging
from chassis.db import Database, Work
from chassis.requests import Call, Outcome
from services.directory import views
from services.directory.rules import truth, visibility, words
from services.directory.rules.sections import ORGANISATIONS
from services.directory.usecases import searching

_EMPTY: dict[str, Any] = {"phones": [], "contacts": []}


def organisations(db: Database, call: Call) -> Outcome:
    """List organisations, the best fit first when a place or words are asked for. Raises BadQuery."""
    with db.view() as work:
        rows = views.organisations(work, _asked(work, call.query))
        return Outcome(value=paging.ranked_page(rows, call.query["limit"]))


def organisation(db: Database, call: Call) -> Outcome:
    """One organisation by key or id, with what of it the caller may see. Raises NotFound."""
    with db.view() as work:
        row = views.organisation(work, call.path["organisation"])
    gone = visibility.hidden(ORGANISATIONS, row, searching.viewer_of(call))
    seen = {name: _EMPTY.get(name) if name in gone else value for name, value in row.items()}
    seen["grade"] = truth.grade(row["verified_at"], clock.now())
    return Outcome(value=seen, version=row["version"])


def codes(_db: Database, _call: Call) -> Outcome:
    """The code lists with their labels in eight languages."""
    lists = [
        {"list": name, "codes": [{"code": code, "names": dict(words.labels(name, code))} for code in known]}
        for name, known in words.LISTS.items()
    ]
    return Outcome(value={"items": lists, "next": None})


def network(db: Database, _call: Call) -> Outcome:
    """Who works with whom: memberships, initiatives, indicators, licences and facts."""
    with db.view() as work:
        return Outcome(value=views.network(work))


def _asked(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """The filters with the place taken apart: "LT:Kaunas", "LT-15", or "Kaunas" in the countries that have one."""
    placed = searching.placed(work, {**query, "question": None})
    position = paging.ranked_position(query["cursor"])
    asked = None if query["search"] is None else " ".join(query["search"].split())
    return {**query, **placed, "search": asked, "position": position, "limit": query["limit"] + 1}
