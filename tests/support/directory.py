"""Judges a directory document as an import does, without a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.directory.rules import document
from services.directory.rules.faults import RowError
from services.directory.rules.judging import Judge
from services.directory.rules.sections import SECTIONS, Row


@dataclass(frozen=True, slots=True)
class Read:
    """What an import would go on with."""

    rows: dict[str, list[Row]]
    errors: tuple[RowError, ...]
    notes: tuple[str, ...]


def read(given: Mapping[str, Any], known: Mapping[str, frozenset[str]]) -> Read:
    """Judge a document against a directory that has these keys."""
    judge = Judge()
    judge.blame(*document.shape_errors(given))
    rows: dict[str, list[Row]] = {section.name: [] for section in SECTIONS}
    for entry in document.entries(given):
        judged = judge.take(entry)
        if judged is not None:
            rows[judged.section].append(judged.row)
    judge.finish(lambda section, keys: known.get(section, frozenset()) & set(keys), {})
    return Read(rows, tuple(judge.errors), tuple(judge.notes))
