"""Rows of clocks: what runs for each party, what its clocks depend on, where the house has to do something next."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from chassis.db import Work
from services.referrals.rules.clock_table import RECALL
from services.referrals.rules.clocks import Clock
from services.referrals.store.legs import Leg

_COLUMNS = ("code", "turn", "started_at", "due_at", "paused_at", "stopped_at", "extended", "steps", "level", "acts")

CONTEXT = """
SELECT (SELECT country FROM partner WHERE org_id = %(sender)s) AS sender,
       (SELECT country FROM partner WHERE org_id = %(receiver)s) AS receiver,
       (SELECT coalesce(jsonb_agg(jsonb_build_array(s.code, s.urgency, s.amount)), '[]')
          FROM (SELECT DISTINCT ON (code, urgency) code, urgency, amount FROM clock_setting
                 WHERE org_id = %(receiver)s AND service_id = %(service)s AND effective_on <= %(today)s
                 ORDER BY code, urgency, effective_on DESC) AS s) AS amounts
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the clocks of a leg depend on besides the leg: countries by side, the service's own figures."""

    countries: dict[str, str | None]
    amounts: dict[tuple[str, str], int]


def context(work: Work, leg: Leg) -> Context:
    """Countries and figures as they are today; the figures are the receiver's."""
    values = {"sender": leg.sender_id, "receiver": leg.receiver_id, "service": leg.service_id}
    with work.acting_for(leg.receiver_id or leg.sender_id):
        row = work.one(CONTEXT, {**values, "today": work.now.date()})
    assert row is not None
    country = row["receiver"] or (leg.area and leg.area.partition(":")[0])  # of a queue it is the area's
    amounts = {(code, urgency): amount for code, urgency, amount in row["amounts"]}
    return Context(countries={"sender": row["sender"], "receiver": country}, amounts=amounts)


RUNNING_RECORD = """
SELECT r.state, r.not_before, r.erased_at, c.code, c.turn, c.started_at, c.due_at, c.paused_at, c.stopped_at,
       c.extended, c.steps, c.level, c.acts
  FROM sender_record AS r LEFT JOIN clock AS c ON c.org_id = r.org_id AND c.referral_id = r.id WHERE r.id = %s
"""
RUNNING_CASE = """
SELECT r.state, r.not_before, r.erased_at, c.code, c.turn, c.started_at, c.due_at, c.paused_at, c.stopped_at,
       c.extended, c.steps, c.level, c.acts
  FROM receiver_case AS r LEFT JOIN clock AS c ON c.org_id = r.org_id AND c.referral_id = r.id WHERE r.id = %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One party's row as its clocks see it; `state` is None where it was erased."""

    state: str | None
    not_before: dt.date | None
    running: dict[str, Clock]


def party(work: Work, leg: Leg, org: uuid.UUID) -> Party:
    """The clocks of one party and the state that its row shows now; rows that are held count too."""
    with work.acting_for(org), work.closed_too():
        rows = work.all(RUNNING_RECORD if org == leg.sender_id else RUNNING_CASE, (leg.id,))
    if not rows or rows[0]["erased_at"] is not None:
        return Party(state=None, not_before=None, running={})
    running = {row["code"]: _clock(row) for row in rows if row["code"] is not None}
    return Party(state=rows[0]["state"], not_before=rows[0]["not_before"], running=running)


# The row is looked at first: of a record that was erased no clock is kept.
KEEP_RECORD = """
WITH dated AS (
    UPDATE sender_record SET due_at = %(due_at)s, due_clock = %(due_clock)s, not_before = %(not_before)s
     WHERE id = %(id)s AND erased_at IS NULL RETURNING org_id, id
), gone AS (
    DELETE FROM clock WHERE referral_id = %(id)s AND code <> ALL (%(codes)s)
)
INSERT INTO clock AS c (org_id, referral_id, code, turn, started_at, due_at, paused_at, stopped_at, extended, steps,
                        level, acts)
SELECT d.org_id, d.id, n.* FROM dated AS d, jsonb_to_recordset(%(clocks)s::jsonb) AS n (
    code text, turn text, started_at timestamptz, due_at timestamptz, paused_at timestamptz, stopped_at timestamptz,
    extended boolean, steps timestamptz[], level smallint, acts boolean)
ON CONFLICT (org_id, referral_id, code) DO UPDATE SET turn = excluded.turn, started_at = excluded.started_at,
       due_at = excluded.due_at, paused_at = excluded.paused_at, stopped_at = excluded.stopped_at,
       extended = excluded.extended, steps = excluded.steps, level = excluded.level, acts = excluded.acts
"""
KEEP_CASE = """
WITH dated AS (
    UPDATE receiver_case SET due_at = %(due_at)s, due_clock = %(due_clock)s, not_before = %(not_before)s
     WHERE id = %(id)s AND erased_at IS NULL RETURNING org_id, id
), gone AS (
    DELETE FROM clock WHERE referral_id = %(id)s AND code <> ALL (%(codes)s)
)
INSERT INTO clock AS c (org_id, referral_id, code, turn, started_at, due_at, paused_at, stopped_at, extended, steps,
                        level, acts)
SELECT d.org_id, d.id, n.* FROM dated AS d, jsonb_to_recordset(%(clocks)s::jsonb) AS n (
    code text, turn text, started_at timestamptz, due_at timestamptz, paused_at timestamptz, stopped_at timestamptz,
    extended boolean, steps timestamptz[], level smallint, acts boolean)
ON CONFLICT (org_id, referral_id, code) DO UPDATE SET turn = excluded.turn, started_at = excluded.started_at,
       due_at = excluded.due_at, paused_at = excluded.paused_at, stopped_at = excluded.stopped_at,
       extended = excluded.extended, steps = excluded.steps, level = excluded.level, acts = excluded.acts
"""


def keep(
    work: Work,
    leg: Leg,
    org: uuid.UUID,
    running: Mapping[str, Clock],
    *,
    first: Clock | None,
    not_before: dt.date | None,
) -> None:
    """Put these clocks in place of those that one party has; `first` is what its lists go by."""
    values = {
        "id": leg.id,
        "due_at": first.due_at if first else None,
        "due_clock": first.code if first else None,
        "not_before": not_before,
        "codes": list(running),
        "clocks": orjson.dumps([asdict(clock) for clock in running.values()]).decode(),
    }
    with work.acting_for(org), work.closed_too():
        work.later(KEEP_RECORD if org == leg.sender_id else KEEP_CASE, values, expect=None)


COVER = """
SELECT (SELECT country FROM partner WHERE org_id = %(sender)s) AS country,
       (SELECT coalesce(array_agg(DISTINCT u), '{}') FROM partner_service AS v, unnest(v.urgencies) AS u
         WHERE v.org_id = %(receiver)s AND (%(service)s::uuid IS NULL OR v.service_id = %(service)s)) AS urgencies
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """Which urgencies a receiver says it takes, and in which country the sender is."""

    country: str | None
    urgencies: list[str]


def cover(work: Work, sender: uuid.UUID, receiver: uuid.UUID | None, service: uuid.UUID | None) -> Cover:
    """What the copy of the directory says of a service, or of all of a receiver's."""
    row = work.one(COVER, {"sender": sender, "receiver": receiver, "service": service})
    assert row is not None
    return Cover(**row)


RECALLS = "SELECT steps FROM clock WHERE referral_id = %s AND code = %s"


def recall_steps(work: Work, referral_id: uuid.UUID, party_id: uuid.UUID) -> tuple[dt.datetime, ...]:
    """The moments of the auto-recall as one party has it, the last of them the recall itself; empty without one."""
    with work.acting_for(party_id):
        row = work.one(RECALLS, (referral_id, RECALL))
    return tuple(row["steps"]) if row else ()


REACHED = """
UPDATE clock SET level = cardinality(steps) WHERE referral_id = %s AND code = %s AND acts
"""
REACH = "UPDATE clock SET level = %s WHERE referral_id = %s AND code = %s AND acts"


def reach(work: Work, referral_id: uuid.UUID, code: str, level: int) -> None:
    """Note how far the house has come with a clock of the acting organisation."""
    work.later(REACH, (level, referral_id, code))


def give_up(work: Work, referral_id: uuid.UUID, code: str) -> None:
    """Nothing more is to be done about a clock of the acting organisation."""
    work.later(REACHED, (referral_id, code))


DUE = "SELECT act_at, org_id, referral_id FROM clocks_due(%s, %s, %s, %s, %s)"
Place = tuple[dt.datetime, uuid.UUID, uuid.UUID]
BEGINNING: Place = (dt.datetime(1970, 1, 1, tzinfo=dt.UTC), uuid.UUID(int=0), uuid.UUID(int=0))


def due(work: Work, after: Place, most: int) -> list[Place]:
    """Where something is to be done by now, in the order of time, behind a place: moment, organisation, referral."""
    rows = work.all(DUE, (work.now, *after, most))
    return [(row["act_at"], row["org_id"], row["referral_id"]) for row in rows]


SET = """
INSERT INTO clock_setting AS s (org_id, service_id, code, urgency, amount, effective_on, set_by, set_at)
VALUES (acting_org(), %(service_id)s, %(code)s, %(urgency)s, %(amount)s, %(effective_on)s, %(by)s, %(at)s)
ON CONFLICT (org_id, service_id, code, urgency, effective_on) DO UPDATE SET amount = excluded.amount,
       set_by = excluded.set_by, set_at = excluded.set_at
"""


def set_amount(work: Work, setting: dict[str, Any], *, by: str) -> None:
    """Keep a service's own figure of the acting organisation."""
    work.later(SET, {**setting, "by": by, "at": work.now})


OWN_SERVICE = """
SELECT service_id, key FROM partner_service
 WHERE org_id = acting_org() AND (key = %(wanted)s OR service_id::text = lower(%(wanted)s))
"""


def own_service(work: Work, wanted: str) -> dict[str, Any] | None:
    """The acting organisation's service by key or id."""
    return work.one(OWN_SERVICE, {"wanted": wanted})


def _clock(row: dict[str, Any]) -> Clock:
    return Clock(**{**{name: row[name] for name in _COLUMNS}, "steps": tuple(row["steps"])})
