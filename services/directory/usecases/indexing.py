"""Keeps what is searched true to the rows it is made of, and to what groups tell of themselves."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from chassis.db import Database, Work
from chassis.envelope import NETWORK, Received
from services.directory import events
from services.directory.rules import index
from services.directory.rules.sections import ORGANISATIONS, SERVICES
from services.directory.store import existing, indexing

BATCH = 500


def indexed(work: Work, section: str, marks: Sequence[str]) -> None:
    """Make anew what is searched of the services that these rows concern."""
    if section == SERVICES:
        _indexed(work, indexing.services_of(work, services=marks))
    elif section == ORGANISATIONS:
        _indexed(work, indexing.services_of(work, organisations=marks))
    elif section == "licences":
        _indexed(work, indexing.services_of(work, services=[mark.partition("|")[0] for mark in marks]))


def keep_group(work: Work, received: Received) -> None:
    """Keep what the network is told of a group; those told to their own organisation alone are nobody's business."""
    if received.audience != NETWORK:
        return
    told: dict[str, Any] = {"programme_key": None, "start_date": None, **received.data, "id": received.subject}
    existing.lock(work)  # whoever makes the same rows anew at once would meet their keys
    indexing.keep_group(work, told)
    _indexed(work, indexing.services_by(work, uuid.UUID(str(told["organisation_id"]))))


def grow_old(db: Database) -> None:
    """What was confirmed long ago stands behind what was confirmed since; a timer calls this."""
    with db.background("directory") as work:
        existing.lock(work)
        _indexed(work, indexing.aged(work))


def keep_response(work: Work, received: Received) -> None:
    """Keep how long a service takes to answer, or that it is not known any more."""
    existing.lock(work)
    row = indexing.keep_response(work, received.subject, received.data.get("median_hours"))
    if row is not None:  # every version is told, so that copies stand at the same one
        work.tell(events.service_told(row, new=False, at=work.now))


def _indexed(work: Work, service_ids: Sequence[uuid.UUID]) -> None:
    for at in range(0, len(service_ids), BATCH):
        part = service_ids[at : at + BATCH]
        rows = indexing.sources(work, part)
        areas = [area for row in rows for area in index.areas(row)]
        indexing.keep(work, part, [index.searched(row, work.now) for row in rows], areas)
