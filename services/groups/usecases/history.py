"""Tells history again to whoever misses some of it (bus.md section 4)."""

from __future__ import annotations

import uuid
from typing import Any

from chassis import republish
from chassis.db import Work
from chassis.envelope import NETWORK, Received, organisation_of
from chassis.republish import Baseline
from services.groups import events
from services.groups.rules import grouping
from services.groups.store import (
    attendance,
    certificates,
    exports,
    glass,
    leaders,
    programmes,
    referred,
    seats,
    sessions,
    standing,
    statistics,
)
from services.groups.usecases.sessions import told_of


def tell_again(work: Work, received: Received) -> None:
    """Answer a request for events of a group or a sign-up."""
    republish.answer(work, received, service="groups", baselines=BASELINES)


def _group(work: Work, group_id: uuid.UUID, audience: str) -> dict[str, Any] | None:
    org = seats.owner(work, group_id) if audience == NETWORK else organisation_of(audience)
    if org is None:
        return None
    with seats.inside(work, org):
        row = standing.group(work, group_id)
    if row is None:
        return None
    return events.group_state(row, accepting=grouping.accepting(row))


def _programme(work: Work, programme_id: uuid.UUID, audience: str) -> dict[str, Any] | None:
    org = programmes.owner(work, programme_id) if audience == NETWORK else organisation_of(audience)
    if org is None:
        return None
    with seats.inside(work, org):
        row = programmes.lock(work, programme_id)
    return None if row is None else events.programme_state(row)


def _statistics(work: Work, statistics_id: uuid.UUID, audience: str) -> dict[str, Any] | None:
    org = statistics.owner(work, statistics_id)
    if org is None or audience not in {NETWORK, f"org:{org}"}:
        return None
    with seats.inside(work, org):
        row = statistics.one(work, statistics_id)
    return None if row is None else events.statistics_state(row)


def _sign_up(work: Work, sign_up_id: uuid.UUID, audience: str) -> dict[str, Any] | None:
    org = _owner(work, "signup", sign_up_id, audience)
    if org is None:
        return None
    with seats.inside(work, org):
        row = standing.sign_up(work, sign_up_id)
    if row is None:
        return None
    names = ("group_id", "org_id", "track", "queue_seq", "state", "version")
    step = events.Step(signup_id=row["id"], deadline=row["deadline"], **{name: row[name] for name in names})
    return events.sign_up_state(step)


def _intake(work: Work, entry_id: uuid.UUID, audience: str) -> dict[str, Any] | None:
    org = _owner(work, "intake", entry_id, audience)
    if org is None:
        return None
    with seats.inside(work, org):
        found = standing.intake(work, entry_id)
    return None if found is None else events.intake_state(found["sign_up_id"], day=found["day"])


def _session(work: Work, session_id: uuid.UUID, audience: str) -> dict[str, Any] | None:
    to_all = audience == NETWORK
    org = sessions.owner(work, session_id) if to_all else _owner(work, "session", session_id, audience)
    if org is None:
        return None
    with seats.inside(work, org):
        found = sessions.by_id(work, session_id)
    return None if found is None else events.session_state(told_of(found))


def _attendance(work: Work, attendance_id: uuid.UUID, audience: str) -> dict[str, Any] | None:
    org = _owner(work, "attendance", attendance_id, audience)
    if org is None:
        return None
    with seats.inside(work, org):
        found = sessions.by_attendance(work, attendance_id)
        listed = [] if found is None else sorted(row["signup_id"] for row in attendance.sheet(work, found))
    return None if found is None else events.attendance_state(told_of(found), listed)


def _leader(work: Work, assignment_id: uuid.UUID, audience: str) -> dict[str, Any] | None:
    org = organisation_of(audience)
    if org is None:
        return None
    with seats.inside(work, org):
        found = leaders.one(work, assignment_id)
    return None if found is None else events.leader_state(found["group_id"], subject=found["subject"])


def _placement(work: Work, placement_id: uuid.UUID, _: str) -> dict[str, Any] | None:
    found = standing.placement(work, placement_id)
    if found is None or found["referral_id"] is None:
        return None
    day = found.pop("changed_at").date()
    counts = {name: found[name] for name in COUNTS} if found["held"] is not None else None
    names = ("referral_id", "org_id", "state")
    return events.placement_state(found["sign_up_id"], day=day, counts=counts, **{name: found[name] for name in names})


def _certificate(work: Work, certificate_id: uuid.UUID, audience: str) -> dict[str, Any] | None:
    org = organisation_of(audience)
    if org is None:
        return None
    with seats.inside(work, org):
        sign_up_id = certificates.certified(work, certificate_id)
    return None if sign_up_id is None else {"signup_id": sign_up_id, "report_id": certificate_id}


def _export(work: Work, export_id: uuid.UUID, audience: str) -> dict[str, Any] | None:
    org = organisation_of(audience)
    if org is None:
        return None
    with seats.inside(work, org):
        found = exports.one(work, export_id)
    if found is None:
        return None
    return events.export_state(found["group_id"], subject=found["by_subject"], purpose=found["purpose"])


def _glass(work: Work, glass_id: uuid.UUID, audience: str) -> dict[str, Any] | None:
    org = organisation_of(audience)
    if org is None:
        return None
    with seats.inside(work, org):
        found = glass.one(work, glass_id)
    if found is None:
        return None
    return events.export_state(found["group_id"], subject=found["by_subject"], purpose=found["reason"])


def _report(work: Work, report_id: uuid.UUID, audience: str) -> dict[str, Any] | None:
    org = organisation_of(audience)
    if org is None:
        return None
    with seats.inside(work, org):
        sign_up_id = referred.reported(work, report_id)
    return None if sign_up_id is None else {"signup_id": sign_up_id, "report_id": report_id}


def _owner(work: Work, noun: str, wanted: uuid.UUID, audience: str) -> uuid.UUID | None:
    """Whose a thing of a group is, where the audience is one of the organisations that hold the group."""
    asking = organisation_of(audience)
    return None if asking is None else standing.owner_of(work, noun, wanted, asking)


COUNTS = ("held", "attended", "excused", "absent")
BASELINES: republish.Baselines = {
    "group": Baseline(events.GROUP_BASELINE, _group),
    "programme": Baseline(events.PROGRAMME_BASELINE, _programme),
    "statistics": Baseline(events.STATISTICS_BASELINE, _statistics),
    "signup": Baseline(events.SIGN_UP_BASELINE, _sign_up),
    "intake": Baseline(events.INTAKE_BASELINE, _intake),
    "session": Baseline(events.SESSION_BASELINE, _session),
    "placement": Baseline(events.PLACEMENT_BASELINE, _placement),
    "attendance_report": Baseline(events.REPORT_BASELINE, _report),
    "certificate": Baseline(events.CERTIFICATE_BASELINE, _certificate),
    "glass": Baseline(events.GLASS_BASELINE, _glass),
    "export": Baseline(events.EXPORT_BASELINE, _export),
    "leader": Baseline(events.LEADER_BASELINE, _leader),
    "attendance": Baseline(events.ATTENDANCE_BASELINE, _attendance),
}
"""By noun; read by the operators' commands too."""
