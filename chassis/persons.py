"""How a service says where a person's record lies and how long it is kept; export, erasure and retention read it.

Which columns are opened, shown and cleared comes from their classes (chassis/classes.py), not from here: a new column
needs its class and nothing else. A new table about a person needs one line here; a test names a table that is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table that holds a part of a record.

    `where` is the column that leads to the record: it equals the record's id, or with `through` ("table.column") what
    that column says in the row whose own id is the record's. `closes`: it has `held_at` and `erased_at` and the
    restrictive policy that hides a closed row; what an organisation has of the record stands and falls with it.
    `drops`: the rows go altogether. `rounds`: times of which the day is left. `apart`: it speaks of somebody else, or
    holds the pieces of files that another table lists; it goes with the record, and is no part of what is exported of
    it. `hides`: a column that is true where a row speaks of somebody else, as a judgment does of who is protected.
    """

    name: str
    where: str
    through: str = ""
    closes: bool = False
    drops: bool = False
    apart: bool = False
    rounds: tuple[str, ...] = ()
    hides: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """A column that names another organisation with a record of its own of the same case, and as what."""

    table: str
    column: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of retention: what goes, after which event, after how many days, and who says so.

    `code` is what the service's function `persons_due` knows it by. `days` is None where each row has its own figure.
    """

    code: str
    what: str
    after: str
    days: int | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Persons:
    """Where one service keeps records of persons. The key of a record is the id of the object of the API.

    `review` names what an officer has to read before it is handed out, "table.column" or "table.column.member", with
    the reason: it may speak of somebody else. `review_whole` maps "table.column" to a value and a reason: a record with
    that value is held back as a whole.
    """

    object_type: str
    tables: tuple[Table, ...]
    rules: tuple[Rule, ...]
    controllers: tuple[Controller, ...] = ()
    review: Mapping[str, str] = field(default_factory=dict)
    review_whole: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def all_tables(self) -> tuple[Table, ...]:
        """The service's own tables and those that the chassis has about every record."""
        return (*self.tables, HOLDS, MESSAGES)


MESSAGES = Table(name="message", where="object_id", drops=True)
HOLDS = Table(name="legal_hold", where="object_id")
WORKER = "Names a worker, not the person."
OTHERS = "Free text; it may speak of somebody else."
REVIEW_OF_ALL: Mapping[str, str] = {
    "legal_hold.reference.text": "Whether the person may be told of it is for the officer to say.",
    "audit.subject": WORKER,
}
"""What needs review in every service."""
