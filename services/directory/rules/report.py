"""What an import did or would do, and why it did nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.directory.rules.difference import CHANGED, CREATED, UNCHANGED
from services.directory.rules.faults import RowError

MOST_SHOWN = 50


@dataclass(slots=True)
class Count:
    """Rows of one section."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0

    def add(self, what: str) -> None:
        """Count one row."""
        setattr(self, what, getattr(self, what) + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All about one import: with `errors` (the first of `faults`) nothing was written, and so with `dry_run`."""

    dry_run: bool
    counts: dict[str, Count] = field(default_factory=dict)
    errors: tuple[RowError, ...] = ()
    notes: tuple[str, ...] = ()
    events: int = 0
    faults: int = 0

    @property
    def ok(self) -> bool:
        """Whether every row fitted."""
        return not self.errors

    @property
    def changes(self) -> int:
        """How many rows were created or changed."""
        return sum(count.created + count.changed for count in self.counts.values())

    def lines(self) -> list[str]:
        """The report for a person."""
        if self.errors:
            return [f"{self.faults} faults; nothing was imported.", *self._faults(), *self.notes]
        told = [
            f"{name}: {count.created} {CREATED}, {count.changed} {CHANGED}, {count.unchanged} {UNCHANGED}"
            for name, count in self.counts.items()
        ]
        verdict = "Dry run, nothing was written" if self.dry_run else "Imported" if self.changes else "Nothing changed"
        return [*told, *self.notes, f"{verdict}; {self.events} events."]

    def _faults(self) -> list[str]:
        shown = [str(error) for error in self.errors[:MOST_SHOWN]]
        left = self.faults - len(shown)
        return [*shown, f"… and {left} more."] if left else shown

    def __str__(self) -> str:
        """The report for a person, as one text."""
        return "\n".join(self.lines())
