"""Somebody proposes a change of the directory; what was last approved stays in force until others have agreed."""

from __future__ import annotations

from uuid import UUID

from chassis import clock
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import FieldError, Invalid, NotAllowed, Stale
from chassis.identity import Caller
from chassis.requests import Call, Outcome
from services.directory.rules import approval, overlay
from services.directory.rules.approval import Person
from services.directory.rules.difference import UNCHANGED, Difference, difference
from services.directory.rules.faults import RowError
from services.directory.rules.judging import Judge
from services.directory.rules.sections import BY_NAME, LOCATIONS, ORGANISATIONS, SERVICES, Row
from services.directory.store import existing, proposals, staging
from services.directory.usecases import writing
from services.directory.usecases.proposals import OBJECT, is_keeper, person_of, shown, viewer_of

VERSIONED = frozenset({ORGANISATIONS, LOCATIONS, SERVICES})
NOT_YOURS = "Only the organisation that it is about, or a network_admin, proposes this."


def propose(db: Database, call: Call) -> Outcome:
    """Keep a proposed change of one row; an address that is withheld from now on is taken out at once.

    Raises Invalid with the faults of the row, NotAllowed for a row of another organisation, Stale when the row is at
    another version than `based_on`.
    """
    with db.work(call) as work:
        done = work.claimed()
        if done is not None:
            return shown(work, done, person_of(call))
        existing.lock(work)
        by = person_of(call)
        section, given = call.body["section"], call.body["row"]
        old, mark = _found(work, section, given)
        if old is not None:  # before anything is said about the row: what it holds is not for everybody
            _may(work, call.caller, section, old, old)
        row, change = compared(work, section, old, given)
        org_id = _may(work, call.caller, section, old, row)
        _check_version(work, call.body["based_on"], section, mark, old)
        new = proposals.New(
            id=clock.new_id(),
            section=section,
            mark=mark,
            org_id=org_id,
            weight=approval.weight(section, old, change.before),
            content=given if old is None else overlay.changing(section, given, change.before),
            before=change.before,
            is_new=old is None,
            reason=call.body["reason"],
        )
        _check_lifting(new, by)
        proposals.put(work, new, by)
        if _hides(section, old, row):
            writing.write(work, section, [(mark, change)], by=by.subject)
            proposals.end(work, new.id, approval.APPLIED, by=by.subject, because="an address is hidden at once")
        work.record(Entry(operation=call.operation, object_type=OBJECT, object_id=new.id, purpose="directory"))
        return shown(work, new.id, by)


def compared(work: Work, section: str, old: Row | None, given: Row) -> tuple[Row, Difference]:
    """The row as it would be, and what differs. Raises Invalid: each fault with its field and what is expected."""
    judge, found = overlay.judged(section, old, given)
    judge.blame(*overlay.forbidden(section, given))
    judge.finish(lambda name, keys: staging.known(work, name, keys), staging.parents(work))
    _refuse(judge)
    if found is None:
        raise Invalid("proposal.wrong_row", "The row does not fit.")
    change = difference(BY_NAME[section], old, found.row)
    if change.what == UNCHANGED:
        raise Invalid("proposal.changes_nothing", "The directory says exactly this already.")
    return found.row, change


def _refuse(judge: Judge) -> None:
    if judge.errors:
        message = "The row does not fit; `errors` says which field, and what was expected."
        raise Invalid("proposal.wrong_row", message, fields=tuple(_told(error) for error in judge.errors))


def _told(error: RowError) -> FieldError:
    name = error.field.replace(".", "/")
    return FieldError(f"/row/{name}", "directory.field", f"Expected: {error.expected}.")


def _found(work: Work, section: str, given: Row) -> tuple[Row | None, str]:
    mark = overlay.mark_of(section, given)
    if mark is None:
        names = ", ".join(BY_NAME[section].identity)
        fault = FieldError("/row", "directory.identity", f"What tells this row apart is needed: {names}.")
        raise Invalid("proposal.which_row", f"The row does not say which one of the {section} it is.", fields=(fault,))
    return existing.rows(work, section, [mark]).get(mark), mark


def _may(work: Work, caller: Caller | None, section: str, old: Row | None, row: Row) -> UUID | None:
    """The organisation that it is about. Raises NotAllowed."""
    owners = {_owner(work, section, each) for each in (old, row) if each is not None}
    mine = caller is not None and owners == {caller.org_key} and not (section == ORGANISATIONS and old is None)
    if caller is None or not (mine or is_keeper(caller)):
        raise NotAllowed("proposal.not_own", NOT_YOURS)
    owner = _owner(work, section, row)
    return None if owner is None else writing.id_of(ORGANISATIONS, owner)


def _owner(work: Work, section: str, row: Row) -> str | None:
    if section == "licences":  # it is about the organisation whose programme it is
        programme = existing.rows(work, SERVICES, [row["programme"]]).get(row["programme"])
        return None if programme is None else programme["organisation"]
    return approval.owner(section, row)


def _check_version(work: Work, based_on: int, section: str, mark: str, old: Row | None) -> None:
    now = existing.version(work, section, mark) if section in VERSIONED else int(old is not None)
    if based_on != now:
        raise Stale("directory.stale", f"It is at version {now} now, not {based_on}; read it again (0: it is new).")


def _check_lifting(new: proposals.New, by: Person) -> None:
    if new.weight == approval.LIFTING and by.org_id != new.org_id:
        raise NotAllowed("proposal.not_own", "Only the organisation itself gives back an address that it withholds.")


def _hides(section: str, old: Row | None, row: Row) -> bool:
    """Whether it takes an address out: that waits for nobody."""
    return section == LOCATIONS and old is not None and old["withheld"] is None and row["withheld"] is not None


def read(db: Database, call: Call) -> Outcome:
    """One proposal with its approvals and evidence. Raises NotFound for another organisation's."""
    with db.work(call) as work:
        work.record(
            Entry(operation=call.operation, object_type=OBJECT, object_id=call.path["proposal"], purpose="directory")
        )
        return shown(work, call.path["proposal"], viewer_of(call))
