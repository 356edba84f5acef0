"""Lets events of a service go out again; the one place of the launcher that knows how a service does it."""

from __future__ import annotations

import datetime as dt
import importlib
from uuid import UUID

from chassis import republish
from chassis.audit import Entry
from chassis.db import Database
from chassis.settings import Settings
from deploy.local.commands.rooms import database

OPERATOR = "operator"


def tell_again(
    settings: Settings, service: str, *, since: dt.datetime | None, aggregate: UUID | None, everything: str | None
) -> int:
    """Exactly one of the three is given; returns how many events go out again. Raises LocalFault."""
    with database(settings, service) as opened:
        if everything is not None:
            return _everything(opened, service, everything)
        if since is not None:
            return _since(opened, since)
        assert aggregate is not None
        with opened.background(OPERATOR) as work:
            work.record(_entry("aggregate", aggregate))
            return republish.of_aggregate(work, aggregate, baselines=_baselines(service))


def _everything(opened: Database, service: str, noun: str) -> int:
    with opened.background(OPERATOR) as work:  # it goes on lot by lot, so the act is recorded before the first
        work.record(_entry(f"noun:{noun}"[:64], None))
    return republish.everything(opened, noun, actor=OPERATOR, baselines=_baselines(service))


def _since(opened: Database, moment: dt.datetime) -> int:
    with opened.background(OPERATOR) as work:  # as above
        work.record(_entry("since", None))
    return republish.since(opened, moment, actor=OPERATOR)


def _baselines(service: str) -> republish.Baselines:
    found: republish.Baselines = getattr(importlib.import_module(f"services.{service}.usecases"), "BASELINES", {})
    return found


def _entry(basis: str, aggregate: UUID | None) -> Entry:
    return Entry(
        operation="event.republish", object_type="event", object_id=aggregate, purpose="operation", basis=basis
    )
