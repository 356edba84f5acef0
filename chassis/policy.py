"""The rights of a service as one table: role, operation, relation, state to allowed, seen, written.

A service says `policy = Policy(Row(...), …)` and `operations = policy.operations()`; an operation that knows roles only
may stand in `operations` alone. The door, the specification, docs/rights.md and the negative matrix of the tests read
the same rows (access-and-privacy.md section 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

ANYBODY = frozenset({"*"})
"""The role of those without a token too, for what a public route shows."""

Names = frozenset[str]
MOST_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Row:
    """One right. None stands for all: every relation, every state, every field of the answer or of the body.

    `reason`: only for a purpose that the caller names, and his lead reads that he did.
    """

    operation: str
    roles: Names
    relations: Names | None = field(default=None, kw_only=True)
    states: Names | None = field(default=None, kw_only=True)
    shows: Names | None = field(default=None, kw_only=True)
    writes: Names | None = field(default=None, kw_only=True)
    reason: bool = field(default=False, kw_only=True)

    def fits(self, roles: Names, relation: str | None, state: str | None = None) -> bool:
        """Whether it speaks of these roles in this relation; a row that names relations needs to be told one."""
        return (
            (self.roles == ANYBODY or not self.roles.isdisjoint(roles))
            and (self.relations is None or relation in self.relations)
            and (self.states is None or state is None or state in self.states)
        )


class Policy:
    """The rows of one service."""

    def __init__(self, *rows: Row) -> None:
        """Keep the rows by operation, in their order."""
        self.rows = rows
        self._of: dict[str, tuple[Row, ...]] = {}
        self._shown: dict[tuple[str, Names, str | None], Names | None] = {}
        for row in rows:
            self._of[row.operation] = (*self._of.get(row.operation, ()), row)

    def operations(self) -> dict[str, Names]:
        """The roles that have any right at an operation: what the door checks first."""
        return {name: frozenset[str]().union(*(row.roles for row in rows)) - ANYBODY for name, rows in self._of.items()}

    def of(self, operation: str) -> tuple[Row, ...]:
        """The rows of an operation."""
        return self._of.get(operation, ())

    def granting(self, operation: str, roles: Names, relation: str | None, state: str | None = None) -> tuple[Row, ...]:
        """The rows that give these roles the operation in this relation (and state); none means refused."""
        return tuple(row for row in self.of(operation) if row.fits(roles, relation, state))

    def allows(self, operation: str, roles: Names, relation: str | None, state: str | None = None) -> bool:
        """Whether it is allowed without a reason being named."""
        return any(not row.reason for row in self.granting(operation, roles, relation, state))

    def visible(self, operation: str, roles: Names, relation: str | None) -> Names | None:
        """The fields of the answer that these roles see; None for all, nothing where no row speaks of them."""
        key = (operation, roles, relation)
        if key not in self._shown:
            if len(self._shown) >= MOST_KEPT:
                self._shown.clear()
            granted = self.granting(operation, roles, relation)
            self._shown[key] = _union(row.shows for row in granted) if self.of(operation) else None
        return self._shown[key]

    def writable(self, operation: str, roles: Names, relation: str | None = None) -> Names | None:
        """The fields of the body that these roles may send; without a relation those of any; None for all."""
        rows = self.of(operation)
        if not rows:
            return None
        return _union(
            row.writes for row in rows if row.fits(roles, relation) or (relation is None and row.roles & roles)
        )


def policy_of(service: type) -> Policy:
    """All rights of a service class: the rows of `policy`, and a plain row for each further entry of `operations`."""
    rows: tuple[Row, ...] = getattr(service, "policy", Policy()).rows
    known = {row.operation for row in rows}
    plain: Mapping[str, Names] = getattr(service, "operations", {})
    # An operation without roles is that of a public route: what it answers, everybody sees.
    more = (Row(name, frozenset(roles) or ANYBODY) for name, roles in plain.items() if name not in known)
    return Policy(*rows, *more)


def _union(parts: Iterable[Names | None]) -> Names | None:
    found: Names = frozenset()
    for part in parts:
        if part is None:
            return None
        found |= part
    return found
