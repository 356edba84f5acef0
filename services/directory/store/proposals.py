"""Proposals, who approved them and what is on paper."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from psycopg.types.json import Jsonb

from chassis.db import Work
from chassis.errors import NotFound
from services.directory.rules.approval import Person, Standing
from services.directory.rules.sections import ORGANISATIONS

APPROVAL = "approval"


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """A proposal as it comes in."""

    id: uuid.UUID
    section: str
    mark: str
    org_id: uuid.UUID | None
    weight: str
    content: dict[str, Any]
    before: dict[str, Any]
    is_new: bool
    reason: str


PUT = """
INSERT INTO proposal (id, section, mark, org_id, weight, content, before, is_new, reason, proposed_by, proposed_by_org,
                      proposed_by_keeper, proposed_at, state, version)
VALUES (%(id)s, %(section)s, %(mark)s, %(org_id)s, %(weight)s, %(content)s, %(before)s, %(is_new)s, %(reason)s,
        %(by)s, %(by_org)s, %(by_keeper)s, %(at)s, 'open', 1)
"""


def put(work: Work, new: New, by: Person) -> None:
    """Keep a new proposal."""
    values = {**asdict(new), "content": Jsonb(new.content), "before": Jsonb(new.before)}
    who = {"by": by.subject, "by_org": by.org_id, "by_keeper": by.keeper}
    work.run(PUT, {**values, **who, "at": work.now})


READ = """
SELECT p.id, p.section, p.mark, p.org_id, o.key AS org_key, p.weight, p.content, p.before, p.is_new, p.reason,
       p.proposed_by, p.proposed_by_org, p.proposed_by_keeper, p.proposed_at, p.state, p.due_at, p.ended_at,
       p.ended_by, p.ended_because, p.version
  FROM proposal AS p LEFT JOIN organisation AS o ON o.id = p.org_id WHERE p.id = %s
"""
LOCK = READ + " FOR UPDATE OF p"


def read(work: Work, proposal_id: uuid.UUID) -> dict[str, Any]:
    """One proposal. Raises NotFound."""
    return _one(work.one(READ, (proposal_id,)))


def lock(work: Work, proposal_id: uuid.UUID) -> dict[str, Any]:
    """The same, for a decision. Raises NotFound."""
    return _one(work.one(LOCK, (proposal_id,)))


def _one(row: dict[str, Any] | None) -> dict[str, Any]:
    if row is None:
        raise NotFound
    return row


STEPS = """
SELECT kind, reference, number, source, by_subject, by_org, by_keeper, at FROM proposal_step
 WHERE proposal_id = %s ORDER BY no
"""


def steps(work: Work, proposal_id: uuid.UUID) -> list[dict[str, Any]]:
    """Approvals and evidence, in their order."""
    return work.all(STEPS, (proposal_id,))


def standing(row: dict[str, Any], done: Sequence[dict[str, Any]]) -> Standing:
    """How far a proposal came."""
    coming_back = row["section"] == ORGANISATIONS and row["content"].get("status") == "active" and not row["is_new"]
    return Standing(
        weight=row["weight"],
        org_id=row["org_id"],
        proposer=Person(subject=row["proposed_by"], org_id=row["proposed_by_org"], keeper=row["proposed_by_keeper"]),
        approvals=tuple(
            Person(subject=step["by_subject"], org_id=step["by_org"], keeper=step["by_keeper"])
            for step in done
            if step["kind"] == APPROVAL
        ),
        evidence=frozenset(step["kind"] for step in done if step["kind"] != APPROVAL),
        back_again=coming_back,
    )


STEP = """
INSERT INTO proposal_step (proposal_id, kind, reference, number, source, by_subject, by_org, by_keeper, at)
VALUES (%(id)s, %(kind)s, %(reference)s, %(number)s, %(source)s, %(by)s, %(by_org)s, %(by_keeper)s, %(at)s)
"""


def add(work: Work, proposal_id: uuid.UUID, kind: str, by: Person, said: dict[str, Any]) -> None:
    """Keep an approval or a piece of evidence; both make a new version of the proposal."""
    given = {name: said.get(name) for name in ("reference", "number", "source")}
    who = {"by": by.subject, "by_org": by.org_id, "by_keeper": by.keeper}
    work.run(STEP, {"id": proposal_id, "kind": kind, **given, **who, "at": work.now})
    work.run("UPDATE proposal SET version = version + 1 WHERE id = %s", (proposal_id,))


WAIT = "UPDATE proposal SET state = 'waiting', due_at = %(due)s WHERE id = %(id)s"


def wait(work: Work, proposal_id: uuid.UUID, due: dt.datetime) -> None:
    """Everybody agreed; it takes effect later."""
    work.run(WAIT, {"id": proposal_id, "due": due})


END = """
UPDATE proposal SET state = %(state)s, ended_at = %(at)s, ended_by = %(by)s, ended_because = %(because)s,
       version = version + 1
 WHERE id = %(id)s
"""


def end(work: Work, proposal_id: uuid.UUID, state: str, *, by: str, because: str | None = None) -> None:
    """It is over."""
    work.run(END, {"id": proposal_id, "state": state, "by": by, "because": because, "at": work.now})


LISTED = """
SELECT p.id, p.section, p.mark, p.org_id, o.key AS org_key, p.weight, p.is_new, p.reason, p.proposed_by,
       p.proposed_at, p.state, p.due_at, p.ended_at, p.version
  FROM proposal AS p LEFT JOIN organisation AS o ON o.id = p.org_id
 WHERE (%(org)s::uuid IS NULL OR p.org_id = %(org)s OR p.proposed_by_org = %(org)s)
   AND (%(state)s::text IS NULL OR p.state = %(state)s)
   AND (%(section)s::text IS NULL OR p.section = %(section)s)
   AND (%(mark)s::text IS NULL OR p.mark = %(mark)s)
   AND (%(at)s::timestamptz IS NULL OR (p.proposed_at, p.id) < (%(at)s, %(id)s))
 ORDER BY p.proposed_at DESC, p.id DESC LIMIT %(limit)s
"""


def listed(work: Work, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Proposals, the newest first; those of one organisation, or all when none is named."""
    return work.all(LISTED, asked)


DUE = "SELECT id FROM proposal WHERE state = 'waiting' AND due_at <= %s ORDER BY due_at, id LIMIT 50"


def due(work: Work) -> list[uuid.UUID]:
    """Ids of proposals whose time has come."""
    return [row["id"] for row in work.all(DUE, (work.now,))]
