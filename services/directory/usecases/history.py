"""Tells history again to whoever misses some of it (bus.md section 4)."""

from __future__ import annotations

import uuid
from typing import Any

from chassis import republish
from chassis.db import Work
from chassis.envelope import Received
from chassis.republish import Baseline
from services.directory import events
from services.directory.store import standing


def tell_again(work: Work, received: Received) -> None:
    """Answer a request for events of anything that the directory tells of."""
    republish.answer(work, received, service="directory", baselines=BASELINES)


def _organisation(work: Work, organisation_id: uuid.UUID, _audience: str) -> dict[str, Any] | None:
    row = standing.organisation(work, organisation_id)
    return events.organisation_state(row) if row else None


def _service(work: Work, service_id: uuid.UUID, _audience: str) -> dict[str, Any] | None:
    row = standing.service(work, service_id)
    return events.service_state(row) if row else None


def _membership(work: Work, membership_id: uuid.UUID, _audience: str) -> dict[str, Any] | None:
    row = standing.membership(work, membership_id)
    return events.membership_state(row) if row else None


def _partnership(work: Work, initiative_id: uuid.UUID, _audience: str) -> dict[str, Any] | None:
    row = standing.partnership(work, initiative_id)
    return events.partnership_state(row) if row else None


BASELINES: republish.Baselines = {
    "organisation": Baseline(events.ORGANISATION_BASELINE, _organisation),
    "service": Baseline(events.SERVICE_BASELINE, _service),
    "membership": Baseline(events.MEMBERSHIP_BASELINE, _membership),
    "partnership": Baseline(events.PARTNERSHIP_BASELINE, _partnership),
}
"""By noun; read by the operators' commands too."""
