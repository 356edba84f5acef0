"""What everybody may read: organisations, services and the network; public facts only, so nobody is asked who he is."""

from __future__ import annotations

from typing import Any

from chassis import paging
from chassis.db import Database, Work
from chassis.errors import FieldError
from chassis.problems import BadQuery
from chassis.requests import Call, Outcome
from services.directory import views


def organisations(db: Database, call: Call) -> Outcome:
    """List organisations, the best fit first when a place or words are asked for. Raises BadQuery."""
    with db.view() as work:
        rows = views.organisations(work, _asked(work, call.query))
        return Outcome(value=paging.ranked_page(rows, call.query["limit"]))


def services(db: Database, call: Call) -> Outcome:
    """List services, the best fit first when a place or words are asked for. Raises BadQuery."""
    with db.view() as work:
        rows = views.services(work, _asked(work, call.query))
        return Outcome(value=paging.ranked_page(rows, call.query["limit"]))


def organisation(db: Database, call: Call) -> Outcome:
    """One organisation by key or id. Raises NotFound."""
    with db.view() as work:
        row = views.organisation(work, call.path["organisation"])
        return Outcome(value=row, version=row["version"])


def service(db: Database, call: Call) -> Outcome:
    """One service by key or id. Raises NotFound."""
    with db.view() as work:
        row = views.service(work, call.path["service"])
        return Outcome(value=row, version=row["version"])


def network(db: Database, _call: Call) -> Outcome:
    """Who works with whom: memberships, initiatives, indicators, licences and facts."""
    with db.view() as work:
        return Outcome(value=views.network(work))


def _asked(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """The filters with the place taken apart: "LT:Kaunas", or "Kaunas" in the countries that are known to have one."""
    country, place = query["country"], _spaced(query["municipality"])
    if place is not None and ":" in place:
        inside, _, place = place.partition(":")
        if country not in {None, inside}:
            raise _unclear("The municipality lies in another country than the one asked for.")
        country = inside
    countries = [country] if country else None
    if place is not None and countries is None:
        countries = views.countries_of(work, place)
        if not countries:
            raise _unclear("The directory knows no such municipality; name its country too, such as LT:Raseiniai.")
    position = paging.ranked_position(query["cursor"])
    asked = {"search": _spaced(query["search"]), "countries": countries, "place": place, "position": position}
    return {**query, **asked, "limit": query["limit"] + 1}


def _spaced(words: str | None) -> str | None:
    return None if words is None else " ".join(words.split())


def _unclear(detail: str) -> BadQuery:
    return BadQuery((FieldError("/municipality", "municipality.unclear", detail),))
