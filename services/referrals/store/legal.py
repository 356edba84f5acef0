"""Rows of the legal basis: approved templates, what bounds a leg and its reading, objections, who is treating."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import orjson

from chassis.db import Work
from chassis.errors import Stale
from services.referrals.rules.lifecycle import SENDER
from services.referrals.rules.templates import Approved

# The newest version of each, the one approved last first: of two defaults for the same use it is the one in force.
IN_FORCE = """
SELECT name, version, default_for, approved_by, content FROM (
    SELECT DISTINCT ON (name) name, version, active, default_for, approved_by, approved_at, content
      FROM legal_template ORDER BY name, version DESC) AS newest
 WHERE active ORDER BY approved_at DESC, name
"""


def in_force(work: Work) -> list[Approved]:
    """The acting organisation's approved templates."""
    return [Approved(**row) for row in work.all(IN_FORCE)]


LISTED = """
SELECT DISTINCT ON (name) name, version, active, default_for, approved_by, approved_at, content
  FROM legal_template ORDER BY name, version DESC
"""


def listed(work: Work) -> list[dict[str, Any]]:
    """The newest version of each template of the acting organisation, those out of use as well."""
    return [_flat(row) for row in work.all(LISTED)]


NEWEST = """
SELECT name, version, active, default_for, approved_by, approved_at, content FROM legal_template
 WHERE name = %s ORDER BY version DESC LIMIT 1
"""


def newest(work: Work, name: str) -> dict[str, Any] | None:
    """The newest version of a template; None when the acting organisation has none of this name."""
    row = work.one(NEWEST, (name,))
    return _flat(row) if row else None


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    return {**row["content"], **{name: value for name, value in row.items() if name != "content"}}


APPROVE = """
INSERT INTO legal_template (org_id, name, version, active, default_for, content, approved_by, approved_at)
VALUES (acting_org(), %(name)s, %(version)s, %(active)s, %(default_for)s, %(content)s::jsonb, %(by)s, %(at)s)
ON CONFLICT DO NOTHING
"""


def approve(work: Work, template: dict[str, Any], *, version: int, by: str) -> None:
    """Write a version of a template. Raises Stale when somebody wrote this version meanwhile."""
    content = {name: value for name, value in template.items() if name not in {"name", "active", "default_for"}}
    clear = {name: template[name] for name in ("name", "active", "default_for")}
    values = {**clear, "version": version, "content": orjson.dumps(content).decode(), "by": by, "at": work.now}
    if work.run(APPROVE, values, expect=None) != 1:
        raise Stale("legal_template.stale", f"The template {template['name']} was changed meanwhile; read it again.")


BOUND_LEG = "SELECT leg_bound(%s, %s)"
BOUND_RECORD = "UPDATE sender_record SET consent_until = %s WHERE id = %s"
BOUND_CASE = "UPDATE receiver_case SET consent_until = %s WHERE id = %s"


def bound_leg(work: Work, referral_id: uuid.UUID, until: dt.date) -> None:
    """Note until when a leg of the acting sender has its ground, for the clocks."""
    work.later(BOUND_LEG, (referral_id, until))


def bound_record(work: Work, referral_id: uuid.UUID, until: dt.date) -> None:
    """Note until when the acting sender may read on."""
    work.later(BOUND_RECORD, (until, referral_id))


def bound_case(work: Work, referral_id: uuid.UUID, receiver: uuid.UUID, until: dt.date) -> None:
    """Note until when a receiver that does not treat the man may read on."""
    with work.acting_for(receiver):
        work.later(BOUND_CASE, (until, referral_id))


OBJECTED_RECORD = "UPDATE sender_record SET objected_at = coalesce(objected_at, %s) WHERE id = %s"
OBJECTED_CASE = "UPDATE receiver_case SET objected_at = coalesce(objected_at, %s) WHERE id = %s"


def note_objection(work: Work, referral_id: uuid.UUID, party: uuid.UUID, *, side: str) -> None:
    """Note for one party that the person objected, where consent is not what the referral rests on."""
    with work.acting_for(party), work.closed_too():
        work.later(OBJECTED_RECORD if side == SENDER else OBJECTED_CASE, (work.now, referral_id))


TREATING = "UPDATE receiver_case SET treating = %s WHERE id = %s"


def treat(work: Work, referral_id: uuid.UUID, receiver: uuid.UUID, *, treating: bool) -> None:
    """Note whether the receiver is treating the man: from the acceptance on, until that is taken back."""
    with work.acting_for(receiver), work.closed_too():
        work.later(TREATING, (treating, referral_id))


IS_TREATING = "SELECT treating FROM receiver_case WHERE id = %s"
KEEP = "UPDATE receiver_case SET kept_as_self_referral = true WHERE id = %s"


def is_treating(work: Work, referral_id: uuid.UUID, receiver: uuid.UUID) -> bool:
    """Whether the receiver is treating the man."""
    with work.acting_for(receiver), work.closed_too():
        row = work.one(IS_TREATING, (referral_id,))
    return row is not None and bool(row["treating"])


def keep_as_self_referral(work: Work, referral_id: uuid.UUID, receiver: uuid.UUID) -> None:
    """Note that the man stays with the service of his own will, without the referral."""
    with work.acting_for(receiver), work.closed_too():
        work.later(KEEP, (referral_id,))
