"""What a change of the directory needs before it counts: which persons, which evidence, how long it waits.

Source: access-and-privacy.md section 8, directory.md section 5. Two persons, always; the heavier a change, the more of
them have to keep the network, and the more must be on paper.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.directory.rules.parts import ADDRESS, GROUPS
from services.directory.rules.sections import LOCATIONS, ORGANISATIONS, SERVICES, Row

PLAIN, GUARDED, JOINING, STANDING, LIFTING = "plain", "guarded", "joining", "standing", "lifting"
REGISTER, AGREEMENT, CALL_BACK = "register_entry", "written_agreement", "call_back"
EVIDENCE = (REGISTER, AGREEMENT, CALL_BACK)
OPEN, WAITING = "open", "waiting"
APPLIED, REJECTED, WITHDRAWN, OVERTAKEN = "applied", "rejected", "withdrawn", "overtaken"
PENDING = (OPEN, WAITING)
STATES = (*PENDING, APPLIED, REJECTED, WITHDRAWN, OVERTAKEN)
DELAY = dt.timedelta(hours=72)
"""Between approval and effect of a guarded change: time for whoever has the old address to object."""

SECOND_PERSON, SECOND_KEEPER, OWN_SECOND, KEEPER = "second_person", "second_keeper", "own_second_person", "keeper"
ACTIVE = "active"
GUARDED_FIELDS: Mapping[str, frozenset[str]] = {
    ORGANISATIONS: frozenset({"type", "email", "phones", "contacts"}),
    SERVICES: frozenset({"email", "phones", "contacts"}),
    LOCATIONS: frozenset({"phones", *GROUPS[LOCATIONS][ADDRESS]} - {"transport", "url"}),
}
_PAPERS: Mapping[str, frozenset[str]] = {JOINING: frozenset(EVIDENCE), GUARDED: frozenset({CALL_BACK})}
_OWNED = "organisation"
_TWO = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who proposed or approved: who, for which organisation, and whether he keeps the network."""

    subject: str
    org_id: Any
    keeper: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A proposal as far as it came: its weight, whom it is about, who stands behind it, what is on paper."""

    weight: str
    org_id: Any
    proposer: Person
    approvals: tuple[Person, ...] = ()
    evidence: frozenset[str] = field(default_factory=frozenset)
    back_again: bool = False  # an organisation that was suspended or removed comes back


def weight(section: str, old: Row | None, changed: Collection[str]) -> str:
    """How heavy a change of these columns is."""
    if section == ORGANISATIONS and (old is None or old["status"] == JOINING):
        return JOINING if old is None or "status" in changed else PLAIN
    if section == ORGANISATIONS and "status" in changed:
        return STANDING
    if section == LOCATIONS and old is not None and old["withheld"] and "withheld" in changed:
        return LIFTING
    if old is not None and not GUARDED_FIELDS.get(section, frozenset()).isdisjoint(changed):
        return GUARDED
    return PLAIN


def needs_papers(at: Standing) -> frozenset[str]:
    """Kinds of evidence without which it cannot count."""
    if at.weight == STANDING and at.back_again:
        return frozenset({CALL_BACK})
    return _PAPERS.get(at.weight, frozenset())


def missing(at: Standing) -> tuple[str, ...]:
    """What a proposal still lacks, as codes: kinds of evidence, and persons."""
    papers = [kind for kind in EVIDENCE if kind in needs_papers(at) - at.evidence]
    return (*papers, *_persons(at))


def _persons(at: Standing) -> Iterable[str]:
    others = {each.subject: each for each in at.approvals if each.subject != at.proposer.subject}
    keepers = [each for each in (at.proposer, *others.values()) if each.keeper]
    lacks = {
        JOINING: len(keepers) < _TWO,
        STANDING: len(keepers) < _TWO,
        GUARDED: not any(each.keeper for each in others.values()),
        LIFTING: not any(each.org_id == at.org_id for each in others.values()),
        PLAIN: not others,
    }
    code = {JOINING: SECOND_KEEPER if keepers else KEEPER, GUARDED: KEEPER, LIFTING: OWN_SECOND, PLAIN: SECOND_PERSON}
    code[STANDING] = code[JOINING]
    return (code[at.weight],) if lacks[at.weight] else ()


def may_approve(at: Standing, who: Person) -> bool:
    """Whether this person's approval would count: nobody approves his own change."""
    if who.subject == at.proposer.subject or who.subject in {each.subject for each in at.approvals}:
        return False
    if at.weight in {JOINING, STANDING, GUARDED}:
        return who.keeper
    if at.weight == LIFTING:
        return bool(who.org_id == at.org_id)
    return bool(who.keeper or who.org_id == at.org_id)


def owner(section: str, row: Row) -> str | None:
    """The key of the organisation that a row belongs to; None for what the network as a whole keeps."""
    if section == ORGANISATIONS:
        key: str | None = row["key"]
        return key
    return row.get(_OWNED)


def numbers(row: Row | None) -> frozenset[str]:
    """The phone numbers of a row, those of its contacts too: who asks for a change is called back on one of these."""
    if row is None:
        return frozenset()
    lists = [row.get("phones") or [], *(each.get("phones") or [] for each in row.get("contacts") or [])]
    return frozenset(phone["number"] for phones in lists for phone in phones)
