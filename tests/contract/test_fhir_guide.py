"""docs/fhir.md says the tables that the code has."""

from __future__ import annotations

import itertools
from pathlib import Path

from services.referrals.rules import fhir

GUIDE = (Path(__file__).parents[2] / "docs" / "fhir.md").read_text(encoding="utf-8")


def cells(heading: str) -> list[tuple[str, ...]]:
    """The rows of the guide's table with this heading."""
    lines = GUIDE.partition(f"| {heading} |")[2].splitlines()[2:]
    rows = itertools.takewhile(lambda line: line.startswith("|"), lines)
    return [tuple(cell.strip() for cell in row.strip("|").split("|")) for row in rows]


def test_the_guide_has_the_same_tables() -> None:
    assert {state: (task, request) for state, task, request in cells("state (businessStatus)")} == {
        state: (words.task, words.request) for state, words in fhir.STATES.items()
    }
    assert {urgency: said.split(",")[0] for urgency, said in cells("urgency")} == fhir.PRIORITIES
    assert {(url, f"`{kind}`") for url, kind in fhir.FLAGS.values()} == {
        (url, kind) for url, kind, _ in cells("extension")
    }
