"""What one person alone may not do to the directory by an import; the command on the machine itself may.

Source: access-and-privacy.md section 8. An organisation begins as one that is joining; its type, standing and contacts
change by two persons, and so do those of services and places: whoever gives a phone number out in the name of somebody
else leads people there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from services.directory.rules import approval
from services.directory.rules.difference import Difference
from services.directory.rules.faults import RowError
from services.directory.rules.sections import LOCATIONS, ORGANISATIONS, SERVICES, Row

JOINING = "joining"
CONTACTS = ("email", "phones", "contacts")
GUARDED: Mapping[str, tuple[str, ...]] = {
    ORGANISATIONS: ("status", *sorted(approval.GUARDED_FIELDS[ORGANISATIONS])),
    SERVICES: ("organisation", "status", *CONTACTS),
    LOCATIONS: ("organisation", *sorted(approval.GUARDED_FIELDS[LOCATIONS])),
}
"""What does not change alone where a thing is there; who offers a service is where its referrals go."""
NEW: Mapping[str, tuple[str, ...]] = {SERVICES: CONTACTS, LOCATIONS: tuple(sorted(approval.GUARDED_FIELDS[LOCATIONS]))}
"""What a new thing does not bring along, unless its organisation is joining itself."""
TWO = "needs two persons: propose it at /directory/proposals"
_SAID = "(not repeated here)"


def refused(section: str, place: str, old: Row | None, new: Difference, joining: Collection[str]) -> Iterator[RowError]:
    """What of a row one person may not write; `joining` are the keys of organisations that are joining."""
    if old is not None:
        expected, wrong = f"what the directory has; a change {TWO}", _changed(section, new)
    elif section == ORGANISATIONS:
        expected = f"nothing, for an organisation begins as joining; more {TWO}"
        wrong = () if new.row["status"] == JOINING else ("status",)
    else:
        expected, wrong = f"nothing; a contact of an organisation that is here {TWO}", _brought(section, new, joining)
    yield from (RowError(section, place, name, _SAID, expected) for name in wrong)


def _changed(section: str, new: Difference) -> tuple[str, ...]:
    if section == LOCATIONS and new.row["withheld"] is not None and "withheld" in new.before:
        return ()  # whoever withholds an address takes its phones away with it, and nothing is told instead
    return tuple(name for name in GUARDED.get(section, ()) if name in new.before)


def _brought(section: str, new: Difference, joining: Collection[str]) -> tuple[str, ...]:
    if new.row.get("organisation") in joining:
        return ()
    return tuple(name for name in NEW.get(section, ()) if new.row.get(name))


def begun(section: str, old: Row | None, said: Row, new: Difference) -> Difference:
    """A new organisation whose file says nothing of its standing begins as one that is joining."""
    if section != ORGANISATIONS or old is not None or "status" in said:
        return new
    return replace(new, row={**new.row, "status": JOINING})
