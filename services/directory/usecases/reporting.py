"""Reports on the network: members on a day, an initiative with its figures, licences at a place, trained staff."""

from __future__ import annotations

from chassis.db import Database
from chassis.requests import Call, Outcome
from services.directory.usecases.searching import placed
from services.directory.views import reports


def members(db: Database, call: Call) -> Outcome:
    """Who is in which reports."""
    with db.view() as work:
        return Outcome(value={"items": reports.members(work, call.query)})


def initiative(db: Database, call: Call) -> Outcome:
    """One initiative. Raises NotFound."""
    with db.view() as work:
        return Outcome(value=reports.initiative(work, call.path["initiative"]))


def licences(db: Database, call: Call) -> Outcome:
    """Licences of programmes. Raises BadQuery for a place that nobody knows."""
    with db.view() as work:
        where = placed(work, {**call.query, "question": None})
        return Outcome(value={"items": reports.licences(work, where)})


def facilitators(db: Database, call: Call) -> Outcome:
    """Trained facilitators by their codes: who is meant knows their organisation alone."""
    with db.view() as work:
        return Outcome(value={"items": reports.facilitators(work, call.query)})
